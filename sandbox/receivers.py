"""The robot and the person that every sandbox has, so that install.yml and verify.yml find somebody to send to.

Both are at DingTalk, and the person is a user of the platform. The robot's user is what the playbooks create.
"""

from sandbox import client

# Values that cannot be mistaken for real ones; their forms are the real ones.
TOKEN = "0" * 52 + "5a4db0c0fa15"
SECRET = "SEC" + "not0a0real0secret" * 3
ROBOT, ROBOT_NAME = "demo_robot", "Demo group"
PERSON, PERSON_NAME, MOBILE, USERID = "demo_person", "Demo person", "13900000000", "demo-userid-1"


def create(urls):
    """Adds them; what is there already comes out the same."""
    client.post(urls["dingtalk"] + "/_admin/robots", {"token": TOKEN, "secret": SECRET, "name": ROBOT_NAME})
    client.post(urls["dingtalk"] + "/_admin/people", {"userid": USERID, "name": PERSON_NAME, "mobile": MOBILE})
    client.post(urls["usermgr"] + "/_admin/users", {"username": PERSON, "display_name": PERSON_NAME, "telephone": MOBILE})


def robot_entry(dingtalk_url):
    """The robot as `robots` of the inventory names it: DingTalk shows webhook and secret when a robot is made."""
    return {"name": ROBOT, "display_name": ROBOT_NAME, "webhook": "%s/robot/send?access_token=%s" % (dingtalk_url, TOKEN),
            "secret": SECRET}
