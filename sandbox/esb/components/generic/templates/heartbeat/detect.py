"""A component that answers after a while."""
from __future__ import absolute_import, division, print_function

import time

from django import forms

from common.forms import BaseComponentForm
from components.component import Component

from .toolkit import configs


class Detect(Component):
    sys_name = configs.SYSTEM_NAME

    class Form(BaseComponentForm):
        timestamp = forms.IntegerField(label="timestamp", required=True)
        sleep_time = forms.IntegerField(label="sleep time", required=False)

    def handle(self):
        time.sleep(self.form_data["sleep_time"] or 0)
        self.response.payload = {
            "result": True,
            "data": {"timestamp": self.form_data["timestamp"], "now": int(time.time())},
        }
