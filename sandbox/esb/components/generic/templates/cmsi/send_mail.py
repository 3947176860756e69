# -*- coding: utf-8 -*-
"""Mail."""
from __future__ import absolute_import, division, print_function

from django import forms

from common.constants import API_TYPE_OP, HTTP_METHOD
from common.forms import BaseComponentForm, DefaultBooleanField, ListField, TypeCheckField
from components.component import Component, SetupConfMixin

from .toolkit import configs, tools


class SendMail(Component, SetupConfMixin):
    sys_name = configs.SYSTEM_NAME
    api_type = API_TYPE_OP
    suggest_method = HTTP_METHOD.POST
    label = u"发送邮件"
    label_en = "Send mail"

    class Form(BaseComponentForm):
        sender = forms.CharField(label="sender", required=False)
        receiver = ListField(label="email recipients", required=False)
        receiver__username = ListField(label="email recipients", required=False)
        cc = ListField(label="CC", required=False)
        cc__username = ListField(label="CC", required=False)
        title = forms.CharField(label="email subject", required=True)
        content = forms.CharField(label="email content", required=True)
        is_content_base64 = DefaultBooleanField(
            label="content is encoded by base64 or not", default=False, required=False
        )
        body_format = forms.CharField(label="email format", required=False)
        attachments = TypeCheckField(label="attachments", promise_type=list, required=False)

        def clean(self):
            data = self.cleaned_data
            if not (data["receiver"] or data["receiver__username"]):
                raise forms.ValidationError(
                    "Receiver [receiver, receiver__username] shall not be empty at the same time"
                )
            data["content"] = tools.decoded(data["content"], data["is_content_base64"])
            return data

    def handle(self):
        data = self.form_data
        if data["receiver"]:
            contacts, problems = tools.validate_receiver(data["receiver"], "email"), u""
        else:
            contacts, problems = tools.contacts_of(data["receiver__username"], "email")
        self.response.payload = tools.deliver("mail", contacts, data["title"], data["content"], problems)
