# -*- coding: utf-8 -*-
"""The channels that conf.py adds for the ESB's sync: plain data, importable without the ESB.

No `method`: rows are found by (path, method), and the rows of the manual release have none. A declared method
would make a second row with empty settings, which then wins. The V7 ESB keeps a channel's stored settings at a
sync only when `config_fields` are declared.
"""
from __future__ import absolute_import, division, print_function

_TOKEN_FIELD = "qq"
_SIGN_FIELD = "wx_userid"


def _fields(pairs):
    return [{"variable": name, "default": default} for name, default in pairs]


_SEND_DING = (("msg_key", "text"), ("proxy", ""), ("ca_bundle", ""))
_SEND_DINGTALK = (("ding_app_key", ""), ("ding_app_secret", ""), ("robot_code", ""))
_SEND_DINGBOT = (("token_field", _TOKEN_FIELD), ("sign_field", _SIGN_FIELD))

CHANNELS = [
    (
        path,
        {
            "comp_codename": "generic.cmsi.%s" % component,
            "comp_conf_to_db": [list(pair) for pair in settings],
            "config_fields": _fields(settings),
        },
    )
    for path, component, settings in (
        ("/cmsi/send_ding/", "send_ding", _SEND_DING),
        ("/cmsi/send_dingtalk/", "send_dingtalk", _SEND_DINGTALK),
        ("/cmsi/send_dingbot/", "send_dingbot", _SEND_DINGBOT),
        ("/cmsi/ding_status/", "get_ding_status", ()),
    )
]
