"""The admin sides of the sandbox's DingTalk and user management."""

import requests

SEND = "/robot/send"
BATCH = "/v1.0/robot/oToMessages/batchSend"
TOKEN = "/v1.0/oauth2/accessToken"
OLD_TOKEN = "/gettoken"
LOOK_UP = "/topapi/v2/user/getbymobile"


class Admin(object):
    def __init__(self, url):
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, path, **params):
        response = self.session.get(self.url + path, params=params, timeout=20)
        response.raise_for_status()
        return response.json()

    def post(self, path, body=None):
        response = self.session.post(self.url + path, json=body or {}, timeout=20)
        assert response.ok, "%s: %s %s" % (path, response.status_code, response.text[:500])
        return response.json()

    def _newest(self, kind, known):
        """The id of the newest record; asked for by what is known, as a long run has many."""
        return max([record["id"] for record in self.get("/_admin/" + kind, after=known)[kind]] or [known])


class DingTalk(Admin):
    def __init__(self, url):
        super().__init__(url)
        self._last_call = self._last_message = 0

    def forget(self):
        """From now on calls() and messages() show only what comes."""
        self._last_call = self._newest("calls", self._last_call)
        self._last_message = self._newest("messages", self._last_message)

    def calls(self, path=None, **matching):
        """Calls since forget(): of one path; matching token=, userid=, mobile=, app_key=."""
        calls = self.get("/_admin/calls", after=self._last_call)["calls"]
        return [call for call in calls if (path is None or call["path"] == path) and _matches(call, matching)]

    def messages(self, receiver=None):
        """Messages since forget(), all or those to a robot or person."""
        found = self.get("/_admin/messages", after=self._last_message)["messages"]
        return [m for m in found if receiver is None or m["to"] == receiver.address]

    def texts(self, receiver):
        return [message["text"] for message in self.messages(receiver)]

    def only_message(self, receiver):
        found = self.messages(receiver)
        assert len(found) == 1, "%d messages instead of 1: %r" % (len(found), found)
        return found[0]

    def stats(self):
        return self.get("/_admin/stats")

    def fault(self, path, action, times=1, skip=0, **match):
        self.post("/_admin/faults", {"path": path, "action": action, "times": times, "skip": skip, "match": match})

    def clear_faults(self):
        self.session.delete(self.url + "/_admin/faults", timeout=20).raise_for_status()

    def configure(self, **values):
        self.post("/_admin/config", values)

    def revoke_tokens(self):
        self.post("/_admin/tokens/revoke")


def _matches(call, matching):
    body = call["body"] if isinstance(call["body"], dict) else {}
    query = call["query"] or {}
    for name, wanted in matching.items():
        if name == "token":
            there = query.get("access_token") == wanted
        elif name == "userid":
            there = wanted in (body.get("userIds") or [])
        elif name == "mobile":
            there = str(body.get("mobile") or query.get("mobile")) == wanted
        elif name == "app_key":
            there = wanted in (body.get("appKey"), query.get("appkey"), body.get("robotCode"))
        else:
            raise TypeError(name)
        if not there:
            return False
    return True


class UserManagement(Admin):
    def __init__(self, url):
        super().__init__(url)
        self._last_call = 0

    def forget(self):
        self._last_call = self._newest("calls", self._last_call)

    def look_ups(self):
        """Calls to the v2 API since forget()."""
        calls = self.get("/_admin/calls", after=self._last_call)["calls"]
        return [call for call in calls if "/api/v2/" in call["path"]]

    def configure(self, **values):
        self.post("/_admin/config", values)

    def put_user(self, **profile):
        self.post("/_admin/users", profile)
