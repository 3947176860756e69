# -*- coding: utf-8 -*-
"""get_ding_status: what waits on the host that is asked, and whether its service runs."""
from __future__ import absolute_import, division, print_function

from .toolkit import base, message_type

message_type.register()


class GetDingStatus(base.StatusComponent):
    label = u"\u67e5\u8be2\u9489\u9489\u6d88\u606f\u961f\u5217"
    label_en = "Get the state of queued DingTalk messages"

    def handle(self):
        super(GetDingStatus, self).handle()
