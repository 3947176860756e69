"""The calling app, as the token names it."""
from __future__ import absolute_import, division, print_function


class BKApp(object):
    def __init__(self, app_code, verified=False):
        self.app_code = app_code
        self.verified = bool(app_code and verified)

    def as_json(self):
        return {"version": 1, "bk_app_code": self.app_code, "verified": self.verified}
