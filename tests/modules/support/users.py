"""User management as the robot tests see it: the sandbox's, or a real bk-user V2 with the same directories.

DING_REAL_USERMGR (an address) and DING_REAL_USERMGR_RESET (a command that puts its seed back) choose a real one. It needs
the directories 1 (default), 2 (ldap.local, LDAP) with the user `ldapuser`, 3 (partner.local), and the department 2.
"""

import os
import subprocess

import requests

PROFILES = "/api/v2/profiles/"
# Names that are false at first sight, in the real form.
TOKEN, TOKEN2 = "not0a0real0token" * 4, "another0token000" * 4
SECRET, SECRET2 = "SEC" + "not0a0real0secret" * 3, "SEC" + "another0secret000" * 3
WEBHOOK = "https://oapi.dingtalk.com/robot/send?access_token="
COLUMNS = "username,display_name,qq,wx_userid,email,telephone,country_code,iso_code,extras,status,enabled"


class Users:
    """Users of one user management, read and written as anybody may: by its API."""

    def __init__(self, sandbox=None, real=None, reset=None):
        self.sandbox, self.real, self._reset = sandbox, real, reset
        self.url = real or sandbox.usermgr_url
        self.session = requests.Session()
        self.session.trust_env = False
        # What the real one sends behind a 204 would begin the next answer of the same connection.
        self.session.headers["Connection"] = "close"

    @classmethod
    def chosen(cls, request):
        real = os.environ.get("DING_REAL_USERMGR")
        if real:
            return cls(real=real, reset=os.environ["DING_REAL_USERMGR_RESET"])
        return cls(request.getfixturevalue("sandbox"))

    def reset(self):
        if self.real:
            subprocess.run(self._reset, shell=True, check=True, stdout=subprocess.DEVNULL)
            return
        self.sandbox.reset_usermgr()
        self.sandbox.usermgr.put_user(username="ldapuser", domain="ldap.local", telephone="13800000004")

    def args(self, **more):
        return dict({"usermgr_url": self.url, "timeout": 20}, **more)

    def create(self, username, **fields):
        self._ask("POST", PROFILES, dict(fields, username=username))

    def change(self, name, **fields):
        self._ask("PATCH", "%s%s/?include_disabled=1" % (PROFILES, name), fields)

    def delete(self, name):
        response = self.session.delete("%s%s%s/" % (self.url, PROFILES, name), timeout=20)
        assert response.status_code == 204, response.text

    def stored(self, name):
        """What is stored of a user, deleted or not; None for none."""
        query = {"exact_lookups": name, "fields": COLUMNS, "no_page": "1", "include_disabled": "1"}
        response = self.session.get(self.url + PROFILES, params=query, timeout=20).json()
        assert response["result"], response
        return response["data"][0] if response["data"] else None

    def departments(self, name):
        response = self.session.get("%s%s%s/" % (self.url, PROFILES, name), params={"fields": "departments"}, timeout=20).json()
        return [each["id"] if isinstance(each, dict) else each for each in response["data"]["departments"]]

    def forget(self):
        if self.sandbox:
            self.sandbox.usermgr.forget()

    def writes(self):
        """Everything but GETs since forget(), as the server saw it; a real one does not tell."""
        calls = self.sandbox.usermgr.look_ups() if self.sandbox else []
        return [call for call in calls if call["method"] != "GET"]

    def _ask(self, method, path, body):
        response = self.session.request(method, self.url + path, json=body, timeout=20)
        assert response.json()["result"], response.text
