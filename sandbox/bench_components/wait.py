# -*- coding: utf-8 -*-
"""Waits as long as one call of DingTalk takes, and does nothing else."""
from __future__ import absolute_import, division, print_function

import time

from common.constants import API_TYPE_Q
from common.forms import BaseComponentForm
from components.component import Component
from django import forms


class Wait(Component):
    sys_name = "BENCH"
    api_type = API_TYPE_Q
    label = u"等待"
    label_en = "Wait"

    class Form(BaseComponentForm):
        milliseconds = forms.IntegerField(label="milliseconds", min_value=0, max_value=10000)

    def handle(self):
        time.sleep(self.form_data["milliseconds"] / 1000.0)
        self.response.payload = {"result": True, "data": None}
