# -*- coding: utf-8 -*-
"""send_ding: to robot users' groups and to people, told apart by themselves; what send_msg calls for type `ding`."""
from __future__ import absolute_import, division, print_function

from .toolkit import base, message_type, settings

message_type.register()


class SendDing(base.ChannelComponent):
    label = u"\u53d1\u9001\u9489\u9489\u6d88\u606f"
    label_en = "Send DingTalk message"
    channel_path = settings.DING_PATH

    def handle(self):
        super(SendDing, self).handle()
