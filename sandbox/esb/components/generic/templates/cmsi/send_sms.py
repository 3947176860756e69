# -*- coding: utf-8 -*-
"""Text messages."""
from __future__ import absolute_import, division, print_function

from django import forms

from common.constants import API_TYPE_OP, HTTP_METHOD
from common.forms import BaseComponentForm, DefaultBooleanField, ListField
from components.component import Component, SetupConfMixin

from .toolkit import configs, tools


class SendSms(Component, SetupConfMixin):
    sys_name = configs.SYSTEM_NAME
    api_type = API_TYPE_OP
    suggest_method = HTTP_METHOD.POST
    label = u"发送短信"
    label_en = "Send SMS"

    class Form(BaseComponentForm):
        receiver = ListField(label="SMS receiver", required=False)
        receiver__username = ListField(label="SMS receiver", required=False)
        content = forms.CharField(label="message content", required=True)
        is_content_base64 = DefaultBooleanField(
            label="content is encoded by base64 or not", default=False, required=False
        )

        def clean(self):
            data = self.cleaned_data
            data["content"] = tools.decoded(data["content"], data["is_content_base64"])
            return data

    def handle(self):
        data = self.form_data
        if data["receiver"]:
            contacts, problems = tools.validate_receiver(data["receiver"], "telephone"), u""
        else:
            contacts, problems = tools.contacts_of(data["receiver__username"], "telephone")
        self.response.payload = tools.deliver("sms", contacts, u"", data["content"], problems)
