"""The user on whose behalf a component runs."""
from __future__ import absolute_import, division, print_function


class BKUser(object):
    def __init__(self, username="", verified=False):
        self.username = username
        self.verified = bool(username and verified)

    def as_json(self):
        return {"version": 1, "bk_username": self.username, "verified": self.verified}


class AnonymousBKUser(BKUser):
    def __init__(self):
        super(AnonymousBKUser, self).__init__()
