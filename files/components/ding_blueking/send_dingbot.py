# -*- coding: utf-8 -*-
"""send_dingbot: group messages through the robots of robot users."""
from __future__ import absolute_import, division, print_function

from .toolkit import base, message_type, settings
from .toolkit.receivers import ROBOT

message_type.register()


class SendDingbot(base.ChannelComponent):
    label = u"\u53d1\u9001\u9489\u9489\u7fa4\u6d88\u606f"
    label_en = "Send DingTalk group message"
    channel_path = settings.DINGBOT_PATH
    accepted_kinds = (ROBOT,)

    def handle(self):
        super(SendDingbot, self).handle()
