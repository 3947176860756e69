# -*- coding: utf-8 -*-
"""A message of any type: hands it to the component of that type, with the settings of that one's channel."""
from __future__ import absolute_import, division, print_function

from django import forms

from common.constants import API_TYPE_OP, HTTP_METHOD
from common.forms import BaseComponentForm, DefaultBooleanField, ListField, TypeCheckField
from components.component import Component, SetupConfMixin
from esb.channel import get_channel_manager

from .toolkit import configs


class SendMsg(Component, SetupConfMixin):
    sys_name = configs.SYSTEM_NAME
    api_type = API_TYPE_OP
    suggest_method = HTTP_METHOD.POST
    label = u"通用消息发送"
    label_en = "Send message"

    class Form(BaseComponentForm):
        msg_type = forms.CharField(label="msg type", required=True)
        receiver__username = ListField(label="recipients", required=True)
        sender = forms.CharField(label="mail sender", required=False)
        cc__username = ListField(label="CC", required=False)
        title = forms.CharField(label="subject", required=True)
        content = forms.CharField(label="content", required=True)
        body_format = forms.CharField(label="email format", required=False)
        attachments = TypeCheckField(label="attachments", promise_type=list, required=False)
        date = forms.CharField(label="notification sending time", required=False)
        remark = forms.CharField(label="notification tail text", required=False)
        wx_qy_agentid = forms.CharField(label="enterprise wechat agentid", required=False)
        wx_qy_corpsecret = forms.CharField(label="enterprise wechat corpsecret", required=False)
        is_content_base64 = DefaultBooleanField(
            label="content is encoded by base64 or not", default=False, required=False
        )

        def clean(self):
            data = self.cleaned_data
            if data["msg_type"] == "voice":
                data["auto_read_message"] = data["content"]
            if data["msg_type"] == "weixin":
                data["data"] = {
                    "heading": data["title"],
                    "message": data["content"],
                    "date": data["date"],
                    "remark": data["remark"],
                    "is_message_base64": data["is_content_base64"],
                }
            return data

    def handle(self):
        data = self.form_data
        name = configs.msg_type_map.get(data.pop("msg_type"))
        if not name:
            self.response.payload = {"result": False, "message": "Unsupported type of msg type"}
            return
        channel = get_channel_manager().get_channel_by_path("/cmsi/%s/" % name, "POST") or {}
        sender = self.prepare_other("generic.cmsi.%s" % name, kwargs=data)
        sender.setup_conf(channel.get("comp_conf") or {})
        self.response.payload = sender.invoke()
