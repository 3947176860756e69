"""The shape of every answer."""
from __future__ import absolute_import, division, print_function


class CompResponse(object):
    """What a component fills in."""

    def __init__(self):
        self.payload = {}
        self.headers = {}

    def get_payload(self):
        return self.payload


def format_resp_dict(answer):
    """Add what is missing of result, data, message and code."""
    answer.setdefault("result", False)
    answer.setdefault("data", None)
    answer.setdefault("message", "")
    answer.setdefault("code", 0 if answer["result"] else 1306000)
    return answer
