# -*- coding: utf-8 -*-
"""send_dingtalk: one-to-one messages to people, by DingTalk user id, else mobile number, else BlueKing user name."""
from __future__ import absolute_import, division, print_function

from .toolkit import base, message_type, settings
from .toolkit.receivers import PERSON

message_type.register()


class SendDingtalk(base.ChannelComponent):
    label = u"\u53d1\u9001\u9489\u9489\u5355\u804a\u6d88\u606f"
    label_en = "Send DingTalk one-to-one message"
    channel_path = settings.DINGTALK_PATH
    addressed_by = ("userid", "mobile", "receiver__username")
    accepted_kinds = (PERSON,)

    def handle(self):
        super(SendDingtalk, self).handle()
