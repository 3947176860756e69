# -*- coding: utf-8 -*-
"""Messages read out on the telephone."""
from __future__ import absolute_import, division, print_function

from django import forms

from common.constants import API_TYPE_OP, HTTP_METHOD
from common.forms import BaseComponentForm, ListField, TypeCheckField
from components.component import Component, SetupConfMixin

from .toolkit import configs, tools


class SendVoiceMsg(Component, SetupConfMixin):
    sys_name = configs.SYSTEM_NAME
    api_type = API_TYPE_OP
    suggest_method = HTTP_METHOD.POST
    label = u"公共语音通知"
    label_en = "Send voice message"

    class Form(BaseComponentForm):
        auto_read_message = forms.CharField(label="auto voice reading info", required=True)
        user_list_information = TypeCheckField(label="user list", promise_type=list, required=False)
        receiver__username = ListField(label="BlueKing user list", required=False)

        def clean(self):
            data = self.cleaned_data
            if not (data["user_list_information"] or data["receiver__username"]):
                raise forms.ValidationError(
                    "The parameters [user_list_information and receiver__username] shall not be empty at the same time"
                )
            return data

    def handle(self):
        data = self.form_data
        if data["user_list_information"]:
            contacts = {user["username"]: user.get("mobile_phone", "") for user in data["user_list_information"]}
            problems = u""
        else:
            contacts, problems = tools.contacts_of(data["receiver__username"], "telephone")
        self.response.payload = tools.deliver("voice", contacts, u"", data["auto_read_message"], problems)
