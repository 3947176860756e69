# -*- coding: utf-8 -*-
"""Switches kept in the table esb_function_controller, remembered for five minutes."""
from __future__ import absolute_import, division, print_function

import json
import re

from common.caches import cached
from common.constants import JWT_KEY, SKIP_USER_AUTH
from esb.bkcore.models import FunctionController


@cached
def is_skip_user_auth(app_code):
    """Whether the app may name its user without proving who it is."""
    row = FunctionController.objects.filter(func_code=SKIP_USER_AUTH).first()
    return bool(row and row.switch_status and app_code in re.findall(r"[^,;]+", row.wlist or ""))


@cached
def get_jwt_key():
    """{"private_key": …, "public_key": …}, or {} before `sync_data_at_deploy` made one."""
    row = FunctionController.objects.filter(func_code=JWT_KEY).first()
    try:
        return dict(json.loads(row.wlist)) if row else {}
    except (TypeError, ValueError):
        return {}


class FunctionControllerClient(object):
    """The name under which the real ESB offers these."""

    is_skip_user_auth = staticmethod(is_skip_user_auth)
    get_jwt_key = staticmethod(get_jwt_key)
