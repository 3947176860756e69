# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The channels of our own package: their paths and the settings that a new row of theirs starts with.

The package says the same in files/components/ding_blueking/_channels.py, which no module can import; a unit test
compares the two.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

PACKAGE = "ding_blueking"
MESSAGE_TYPE = "ding"
MESSAGE_TYPES_PATH = "/cmsi/get_msg_type/"
FIRST_SETTINGS = {
    "/cmsi/send_ding/": [["msg_key", "text"], ["proxy", ""], ["ca_bundle", ""]],
    "/cmsi/send_dingtalk/": [["ding_app_key", ""], ["ding_app_secret", ""], ["robot_code", ""]],
    "/cmsi/send_dingbot/": [["token_field", "qq"], ["sign_field", "wx_userid"]],
    "/cmsi/ding_status/": [],
}
STATUS_PATH = "/cmsi/ding_status/"
PATHS = sorted(FIRST_SETTINGS)
# Those that the manual release has as well.
SENDING_PATHS = [path for path in PATHS if "/send_" in path]
# Settings of our channels and of the message types that hold no secret; what else a row has may have been given as one.
HARMLESS = frozenset([
    "msg_key", "proxy", "ca_bundle", "oapi_url", "api_url", "connect_timeout", "read_timeout", "deadline", "on_uncertain", "qps", "robot_code",
    "token_field", "sign_field", "suggest_method", "overflow", "outbox_max", "outbox_hours", "reserve", "robot_per_minute", "robot_window", "paas_hosts",
])
# What the package's components say about themselves; V7's sync stores the method beside the settings.
SYSTEM = "CMSI"
SUGGEST_METHOD = "POST"


def module(path):
    """The name of the module, and of the component, behind one of our paths."""
    name = path.strip("/").rsplit("/", 1)[-1]
    return name if path in SENDING_PATHS else "get_" + name


def component(path):
    """The code name of the component behind one of our paths."""
    return "generic.%s.%s" % (SYSTEM.lower(), module(path))
