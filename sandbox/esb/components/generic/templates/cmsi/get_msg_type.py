# -*- coding: utf-8 -*-
"""The message types and whether each is switched on, by its entry or by the channel's settings."""
from __future__ import absolute_import, division, print_function

from common.base_utils import str_bool
from common.constants import API_TYPE_Q, HTTP_METHOD
from components.component import Component, SetupConfMixin

from .toolkit import configs


class GetMsgType(Component, SetupConfMixin):
    sys_name = configs.SYSTEM_NAME
    api_type = API_TYPE_Q
    suggest_method = HTTP_METHOD.GET
    label = u"查询消息发送类型"
    label_en = "Get message type"

    def handle(self):
        english = self.request.headers.get("Blueking-Language", "en") == "en"
        self.response.payload = {"result": True, "data": [self.described(entry, english) for entry in configs.msg_type]}

    def described(self, entry, english):
        is_active = entry.get("is_active", str_bool(getattr(self, entry["type"], False)))
        return {
            "type": entry["type"],
            "icon": entry["active_icon" if is_active else "unactive_icon"],
            "label": entry["label_en" if english else "label"],
            "is_active": is_active,
        }
