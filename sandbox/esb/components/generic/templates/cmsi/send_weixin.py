# -*- coding: utf-8 -*-
"""WeChat messages."""
from __future__ import absolute_import, division, print_function

from django import forms

from common.constants import API_TYPE_OP, HTTP_METHOD
from common.forms import BaseComponentForm, DefaultBooleanField, ListField, TypeCheckField
from components.component import Component, SetupConfMixin

from .toolkit import configs, tools


class SendWeixin(Component, SetupConfMixin):
    sys_name = configs.SYSTEM_NAME
    api_type = API_TYPE_OP
    suggest_method = HTTP_METHOD.POST
    label = u"发送微信消息"
    label_en = "Send WeChat message"

    class DataForm(BaseComponentForm):
        heading = forms.CharField(label="notification header text", required=True)
        message = forms.CharField(label="notification text", required=True)
        date = forms.CharField(label="notification sending time", required=False)
        remark = forms.CharField(label="notification tail text", required=False)
        is_message_base64 = DefaultBooleanField(
            label="notification text is encoded by base64 or not", default=False, required=False
        )

        def clean(self):
            data = self.cleaned_data
            data["message"] = tools.decoded(data["message"], data["is_message_base64"])
            return data

    class Form(BaseComponentForm):
        receiver = ListField(label="wechat receiver", required=False)
        receiver__username = ListField(label="wechat receiver", required=False)
        data = TypeCheckField(label="message data", promise_type=dict, required=True)

        def clean(self):
            data = self.cleaned_data
            if not (data["receiver"] or data["receiver__username"]):
                raise forms.ValidationError(
                    "WeChat receiver [receiver, receiver__username] shall not be empty at the same time"
                )
            data["data"] = SendWeixin.DataForm(data["data"]).get_cleaned_data_or_error()
            return data

    def handle(self):
        data, message = self.form_data, self.form_data["data"]
        if data["receiver"]:
            contacts, problems = data["receiver"], u""
        else:
            contacts, problems = tools.contacts_of(data["receiver__username"], "wx_userid")
        lines = [message["message"]]
        if message["date"]:
            lines.append(u"Date: %s" % message["date"])
        if message["remark"]:
            lines.append(message["remark"])
        self.response.payload = tools.deliver("weixin", contacts, message["heading"], u"\n".join(lines), problems)
