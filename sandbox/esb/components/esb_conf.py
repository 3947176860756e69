"""Which folders hold components and which channels the ESB itself declares."""
from __future__ import absolute_import, division, print_function

import os

from django.conf import settings

from components.component import ApiChannelForAPIS

CUSTOM_APIS_REL_PATH = "components/generic/apis/"

# in this order: a component of a later folder replaces one of the same code name
COMPONENT_GROUPS = [
    {"path": os.path.join(settings.BASE_DIR, folder), "name_prefix": prefix}
    for folder, prefix in (
        ("components/generic/templates/", "generic."),
        (CUSTOM_APIS_REL_PATH, "generic."),
        ("components/bk/apis/", "generic."),
        ("components/bk/apisv2/", "generic.v2."),
    )
]

CHANNEL_CLASSES = {"api": ApiChannelForAPIS}

REWRITE_CHANNELS = {
    "/v2/cmsi/%s/" % name: "/cmsi/%s/" % name
    for name in ("send_voice_msg", "send_mail", "send_sms", "send_weixin", "get_msg_type", "send_msg")
}

_TENCENT_CLOUD = [("dest_url", ""), ("qcloud_app_id", ""), ("qcloud_app_key", "")]

PRESET_CHANNELS = [
    ("/cmsi/send_voice_msg/", {"comp_codename": "generic.cmsi.send_voice_msg", "comp_conf_to_db": _TENCENT_CLOUD}),
    (
        "/cmsi/send_mail/",
        {
            "comp_codename": "generic.cmsi.send_mail",
            "comp_conf_to_db": [
                ("dest_url", ""), ("smtp_host", ""), ("smtp_port", 25), ("smtp_user", "blueking"), ("smtp_pwd", ""),
                ("smtp_usessl", "False"), ("smtp_usetls", "False"), ("mail_sender", "blueking@bking.com"),
            ],
        },
    ),
    ("/cmsi/send_sms/", {"comp_codename": "generic.cmsi.send_sms", "comp_conf_to_db": _TENCENT_CLOUD}),
    (
        "/cmsi/send_weixin/",
        {
            "comp_codename": "generic.cmsi.send_weixin",
            "comp_conf_to_db": [
                ("wx_type", "qywx"), ("wx_app_id", ""), ("wx_secret", ""), ("wx_token", ""), ("wx_template_id", ""),
                ("wx_qy_corpid", ""), ("wx_qy_corpsecret", ""), ("wx_qy_agentid", ""),
            ],
        },
    ),
    (
        "/cmsi/get_msg_type/",
        {
            "comp_codename": "generic.cmsi.get_msg_type",
            "comp_conf_to_db": [("weixin", True), ("mail", True), ("sms", True), ("voice", True)],
        },
    ),
    ("/cmsi/send_msg/", {"comp_codename": "generic.cmsi.send_msg"}),
    ("/v2/usermanage/list_users/", {"comp_codename": "generic.v2.usermanage.list_users"}),
    ("/heartbeat/detect/", {"comp_codename": "generic.heartbeat.detect", "is_hidden": True}),
]
