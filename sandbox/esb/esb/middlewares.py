"""The ESB's middleware, for both of Django's ways to call one (before and from 1.10)."""
from __future__ import absolute_import, division, print_function

import time

from common.base_utils import FancyDict
from common.django_utils import JsonResponse
from common.errors import APIError
from esb.response import format_resp_dict


class APICommonMiddleware(object):
    """Gives each request its `g`, and turns an APIError raised outside a component into an answer."""

    def __init__(self, get_response=None):
        self.get_response = get_response

    def __call__(self, request):
        self.process_request(request)
        return self.get_response(request)

    def process_request(self, request):
        request.g = FancyDict(path_vars=None, comp_path=None, ts_request_start=time.time())

    def process_exception(self, request, exception):
        if isinstance(exception, APIError):
            return JsonResponse(format_resp_dict(exception.code.as_dict()), status=exception.code.status)
        return None
