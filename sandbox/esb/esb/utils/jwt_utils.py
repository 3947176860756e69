"""The token by which a system behind the ESB knows app and user.

The real one signs with RS512. The standard library has no RSA, so this one signs with HS512: right in form, for
receivers that look whether it is there.
"""
from __future__ import absolute_import, division, print_function

import base64
import hashlib
import hmac
import json
import time

from esb.utils.func_ctrl import get_jwt_key


def _encoded(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=")


class JWTClient(object):
    ISSUER = "APIGW"
    ALGORITHM = "HS512"

    def __init__(self, app, user, kid="apigw"):
        self.app = app
        self.user = user
        self.kid = kid

    def encode(self):
        """The token, empty as long as no key exists."""
        key = get_jwt_key().get("private_key", "")
        if not key:
            return ""
        now = int(time.time())
        headers = {"typ": "JWT", "alg": self.ALGORITHM, "kid": self.kid, "iat": now}
        payload = {
            "app": self.app.as_json() if self.app else {},
            "user": self.user.as_json() if self.user else {},
            "iss": self.ISSUER,
            "nbf": now - 300,
            "exp": now + 900,
        }
        signed = b".".join(_encoded(json.dumps(part).encode("utf-8")) for part in (headers, payload))
        signature = hmac.new(key.encode("utf-8"), signed, hashlib.sha512).digest()
        return (signed + b"." + _encoded(signature)).decode("ascii")
