# -*- coding: utf-8 -*-
"""Users of user management, as it answers."""
from __future__ import absolute_import, division, print_function

from common.constants import API_TYPE_Q, HTTP_METHOD
from components.component import Component, SetupConfMixin

from .toolkit import configs


class ListUsers(Component, SetupConfMixin):
    sys_name = configs.SYSTEM_NAME
    api_type = API_TYPE_Q
    suggest_method = HTTP_METHOD.GET
    label = u"查询用户"
    label_en = "list users"

    def handle(self):
        params = self.request.get_strict_clean_params()
        params.pop("bk_supplier_account", None)
        self.response.payload = self.outgoing.http_client.get(
            configs.host,
            "/api/v2/profiles/",
            params=params,
            response_encoding="utf-8",
            headers={
                "Bk-Username": self.current_user.username,
                "Bk-App-Code": self.request.app_code,
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
