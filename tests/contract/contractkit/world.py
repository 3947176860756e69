"""Made-up robots, people and apps, each with a name of its own, so that tests never meet."""

import random
import secrets
import string


def unique(prefix="c"):
    return prefix + secrets.token_hex(5)


def new_mobile():
    return "13" + "".join(random.choice(string.digits) for _ in range(9))


class Robot(object):
    """A robot user: its name for BlueKing, its webhook token for DingTalk."""

    def __init__(self, name, token, secret):
        self.name, self.token, self.secret = name, token, secret

    address = property(lambda self: self.token)


class Person(object):
    def __init__(self, name, mobile, userid):
        self.name, self.mobile, self.userid = name, mobile, userid

    address = property(lambda self: self.userid)


class App(object):
    def __init__(self, key, secret):
        self.key, self.secret = key, secret

    @property
    def fields(self):
        return {"ding_app_key": self.key, "ding_app_secret": self.secret}


class World(object):
    """Makes them in user management and DingTalk, and keeps every secret for the leak checks."""

    def __init__(self, dingtalk, usermgr, known_secrets):
        self.dingtalk, self.usermgr, self.known_secrets = dingtalk, usermgr, known_secrets

    def robot(self, name=None, in_dingtalk=True, wrong_secret=False, stopped=False, keywords=None, **profile):
        robot = Robot(name or unique("bot"), secrets.token_hex(32), "SEC" + secrets.token_hex(32))
        self.known_secrets.update([robot.token, robot.secret])
        if in_dingtalk:
            theirs = "SEC" + secrets.token_hex(32) if wrong_secret else robot.secret
            body = {"token": robot.token, "secret": theirs, "name": robot.name, "stopped": stopped}
            if keywords:
                body["keywords"] = keywords
            self.dingtalk.post("/_admin/robots", body)
        fields = {"qq": robot.token, "wx_userid": robot.secret, "display_name": robot.name}
        fields.update(profile)
        self.usermgr.put_user(username=robot.name, **fields)
        return robot

    def robots(self, count):
        return [self.robot() for _ in range(count)]

    def person(self, name=None, mobile=None, in_dingtalk=True, dingtalk_mobile=None, **profile):
        person = Person(name or unique("p"), new_mobile() if mobile is None else mobile, unique("u"))
        if in_dingtalk:
            self.dingtalk.post(
                "/_admin/people",
                {"userid": person.userid, "name": person.name, "mobile": dingtalk_mobile or person.mobile},
            )
        bare, _, domain = person.name.partition("@")
        fields = {"telephone": person.mobile, "country_code": "86", "display_name": person.name}
        if domain:
            fields["domain"] = domain
        fields.update(profile)
        self.usermgr.put_user(username=bare, **fields)
        return person

    def people(self, count, **profile):
        return [self.person(**profile) for _ in range(count)]

    def app(self, **fields):
        app = App(unique("ding"), "not-a-real-secret-" + secrets.token_hex(16))
        self.known_secrets.add(app.secret)
        self.dingtalk.post("/_admin/apps", dict(fields, app_key=app.key, app_secret=app.secret))
        return app
