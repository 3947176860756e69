# -*- coding: utf-8 -*-
"""Message types of CMSI: what get_msg_type lists and send_msg knows; read at each request, so others may append."""
from __future__ import absolute_import, division, print_function

from .icons import icon

SYSTEM_NAME = "CMSI"

msg_type = [
    {
        "type": name,
        "label": label,
        "label_en": name,
        "active_icon": icon(name, active=True),
        "unactive_icon": icon(name, active=False),
    }
    for name, label in (("weixin", u"微信"), ("mail", u"邮件"), ("sms", u"短信"), ("voice", u"语音"))
]

msg_type_map = {"weixin": "send_weixin", "mail": "send_mail", "sms": "send_sms", "voice": "send_voice_msg"}
