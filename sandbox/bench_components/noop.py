# -*- coding: utf-8 -*-
"""Answers at once: what a request costs before any component does anything."""
from __future__ import absolute_import, division, print_function

from common.constants import API_TYPE_Q
from components.component import Component


class Noop(Component):
    sys_name = "BENCH"
    api_type = API_TYPE_Q
    label = u"什么都不做"
    label_en = "Do nothing"

    def handle(self):
        self.response.payload = {"result": True, "data": None}
