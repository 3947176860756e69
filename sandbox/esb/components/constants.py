# -*- coding: utf-8 -*-
"""The systems and documentation categories that exist without a site's conf.py."""
from __future__ import absolute_import, division, print_function

SYSTEM_DOC_CATEGORY = [
    {"label": u"默认分类", "priority": 1, "systems": []},
    {"label": u"基础用户服务", "priority": 10, "systems": []},
]

BK_SYSTEMS = {
    name: {"name": name, "label": label, "remark": label, "doc_category": u"基础用户服务"}
    for name, label in (
        ("CMSI", u"蓝鲸消息管理"),
        ("USERMANAGE", u"用户管理"),
        ("HEARTBEAT", u"心跳探测"),
    )
}
