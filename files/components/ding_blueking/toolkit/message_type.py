# -*- coding: utf-8 -*-
"""The message type `ding`, made known to the host's own CMSI: get_msg_type and send_msg read its lists per request."""
from __future__ import absolute_import, division, print_function

import os
from importlib import import_module

from common.log import logger

from .icons import ACTIVE, INACTIVE

TYPE = "ding"
COMPONENT = "send_ding"
# A site may have its own copy of CMSI, which then overrides the platform's.
_PLACES = ("components.generic.templates.cmsi.toolkit.configs", "components.generic.apis.cmsi.toolkit.configs")


def register():
    """Extend every CMSI of this host, in place; a second time changes nothing."""
    for place in _PLACES:
        if _exists(place):
            try:
                _extend(import_module(place))
            except Exception as error:
                logger.error("ding.blueking: message type not added to %s: %s", place, error.__class__.__name__)


def _exists(place):
    root = os.path.dirname(os.path.abspath(import_module("components").__file__))
    path = os.path.join(root, *place.split(".")[1:])
    return any(os.path.exists(path + ending) for ending in (".py", ".pyc"))


def _extend(configs):
    # Without is_active: the flag comes from the settings of channel /cmsi/get_msg_type/.
    if not any(entry.get("type") == TYPE for entry in configs.msg_type):
        configs.msg_type.append(
            {
                "type": TYPE,
                "label": u"\u9489\u9489",
                "label_en": "DingTalk",
                "active_icon": ACTIVE,
                "unactive_icon": INACTIVE,
            }
        )
    configs.msg_type_map[TYPE] = COMPONENT
