"""The JSON answer of the ESB: not escaped, in UTF-8."""
from __future__ import absolute_import, division, print_function

import json

from django.http import HttpResponse


class JsonResponse(HttpResponse):
    def __init__(self, content, *args, **kwargs):
        kwargs["content_type"] = "application/json; charset=utf-8"
        super(JsonResponse, self).__init__(json.dumps(content, ensure_ascii=False), *args, **kwargs)
