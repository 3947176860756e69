# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""robot_wanted.py and robots.py: what is refused, who is a robot, and what is planned for what is there."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import robot_wanted, robots
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

TOKEN, SECRET = u"t" * 64, u"SEC" + u"s" * 40
LOCAL = {"id": 1, "domain": u"default.local", "default": True, "type": u"local"}
OTHER = {"id": 3, "domain": u"partner.local", "default": False, "type": u"local"}
GIVEN = dict(name=u"robot1", category_id=None, adopt=False, token_field=u"qq", sign_field=u"wx_userid", webhook=None, access_token=None, secret=None,
             display_name=None, email=None, telephone=None)
FIELDS = robot_wanted.Fields(GIVEN)


def wanted(**given):
    return robot_wanted.Wanted(dict(GIVEN, **given))


def profile(**values):
    return dict({"username": u"robot1", "display_name": u"", "qq": u"", "wx_userid": u"", "email": u"", "telephone": u"", "extras": {},
                 "enabled": True, "status": u"NORMAL", "country_code": u"86", "iso_code": u"CN", "domain": u"default.local", "category_id": 1}, **values)


def robot(**values):
    return profile(**dict({"qq": TOKEN, "wx_userid": SECRET}, **values))


def present(there, departments=(), **given):
    return robots.plan("present", wanted(**given), LOCAL, there, list(departments))


def refused(call, *arguments, **keywords):
    with pytest.raises(Problem) as caught:
        call(*arguments, **keywords)
    text = u"%s" % caught.value.args[0]
    assert TOKEN not in text and SECRET not in text
    return text


@pytest.mark.parametrize("webhook, token", [
    (u"https://oapi.dingtalk.com/robot/send?access_token=abc", u"abc"),
    (u" https://oapi.dingtalk.com/robot/send?access_token=abc\n", u"abc"),
    (u"http://proxy.example:8080/robot/send?x=1&access_token=abc&timestamp=1#part", u"abc"),
    (u"https://oapi.dingtalk.io/robot/send?access_token=a%2Bb", u"a+b"),
    (u"https://h/?access_token=abc&access_token=abc", u"abc"),
])
def test_a_webhook_holds_the_token(webhook, token):
    assert robot_wanted.token_of(webhook, None) == token


@pytest.mark.parametrize("webhook, part", [
    (u"", "no address"), (u"abc", "no address"), (u"ftp://h/?access_token=a", "no address"), (u"https:///x?access_token=a", "no address"),
    (u"http://[::1/?access_token=a", "no address"), (u"https://h/robot/send", "no access_token"), (u"https://h/?access_token=", "no access_token"),
    (u"https://h/?access_token=%20", "no access_token"), (u"https://h/?ACCESS_TOKEN=a", "no access_token"),
    (u"https://h/#access_token=a", "no access_token"),
    (u"https://h/?access_token=a&access_token=b", "two different"), (u"https://h/?access_token=a+b", "blanks or control"),
])
def test_a_webhook_without_one_usable_token_is_refused(webhook, part):
    assert part in refused(robot_wanted.token_of, webhook, None)


def test_neither_webhook_nor_token_is_no_token():
    assert robot_wanted.token_of(None, None) is None


@pytest.mark.parametrize("sign, token, departments, person", [
    (u"", u"", [], False), (u"", u"", [{"id": 2}], True), (u"", u"1", [], True), (u"wx", u"", [], True), (u"wx", u"1", [{"id": 2}], True),
    (SECRET, u"", [], False), (SECRET, TOKEN, [{"id": 2}], False), (u"sec" + SECRET, TOKEN, [], True), (u"SEC", u"", [{"id": 2}], False),
])
def test_who_is_a_person(sign, token, departments, person):
    assert robots.is_person(profile(qq=token, wx_userid=sign), departments, FIELDS) is person


@pytest.mark.parametrize("sign, token, answer", [(SECRET, TOKEN, True), (SECRET, u"", False), (u"", TOKEN, False), (u"secret", TOKEN, False)])
def test_who_is_a_robot(sign, token, answer):
    assert robots.is_robot(profile(qq=token, wx_userid=sign), FIELDS) is answer


def test_fields_are_read_from_columns_and_from_extended_fields_of_either_form():
    fields = robot_wanted.Fields({"token_field": u"extras__a", "sign_field": u"code"})
    assert fields.token.of({"extras": {"a": u"x"}}) == u"x"
    assert fields.token.of({"extras": [{"key": "a", "value": u"x"}]}) == u"x"
    assert fields.token.of({"extras": None}) == u"" and fields.sign.of({"code": None}) == u""
    assert fields.token.of({"extras": {"a": 5}}) == u"5"
    assert "no object" in refused(fields.token.of, {"extras": u"text", "username": u"u"})


def test_a_creation_has_harmless_defaults():
    made = present(None, access_token=TOKEN, secret=SECRET)
    assert made.action == "create" and made.changed
    assert made.body == {"username": u"robot1", "category_id": 1, "display_name": u"robot1", "email": u"robot@example.com",
                         "telephone": u"13800138000", "qq": TOKEN, "wx_userid": SECRET}
    assert made.before == {"name": "robot1", "state": "absent"}
    assert made.after["qq"] == made.after["wx_userid"] == "(hidden, new)"


def test_in_another_directory_the_look_up_name_has_the_domain():
    made = robots.plan("present", wanted(access_token=TOKEN, secret=SECRET), OTHER, None, [])
    assert made.name == made.after["name"] == u"robot1@partner.local" and made.body["username"] == u"robot1"


def test_defaults_do_not_overwrite_what_is_there():
    there = robot(display_name=u"D", email=u"e@example.org", telephone=u"1")
    made = present(there, access_token=TOKEN, secret=SECRET)
    assert not made.changed and made.before == made.after and made.body == {}


def test_a_change_sends_what_differs_and_the_country():
    made = present(robot(country_code=u"1", iso_code=u"CA"), email=u"new@example.org")
    assert made.body == {"email": u"new@example.org", "country_code": u"1", "iso_code": u"CA"}
    assert made.expected == made.body


@pytest.mark.parametrize("stored, sent", [
    ((u"86", u"CN"), {"country_code": u"86", "iso_code": u"CN"}), ((u"86", u""), {"country_code": u"86"}), ((None, u"HK"), {"iso_code": u"HK"}),
    ((u"+86", u"CN"), {"country_code": u"+86"}), ((None, None), {}),
])
def test_the_country_as_a_write_keeps_it(stored, sent):
    assert robots.country_of({"country_code": stored[0], "iso_code": stored[1]}) == sent


def test_extended_fields_are_sent_whole():
    made = present(profile(extras={"city": u"B", "n": 1}), access_token=TOKEN, secret=SECRET, token_field=u"extras__t", sign_field=u"extras__s")
    assert made.body["extras"] == {"city": u"B", "n": 1, "t": TOKEN, "s": SECRET}
    assert "qq" not in made.body and made.after["extras__t"] == "(hidden, new)"


@pytest.mark.parametrize("gone", [{"enabled": False, "status": u"DELETED"}, {"enabled": False}, {"enabled": True, "status": u"DELETED"}])
def test_a_deleted_user_is_enabled_with_its_status(gone):
    made = present(robot(**gone))
    assert made.action == "restore" and made.body["enabled"] is True and made.body["status"] == "NORMAL"
    assert (made.before["state"], made.after["state"]) == ("deleted", "present")


def test_locked_users_are_left_locked():
    assert not present(robot(status=u"LOCKED"), access_token=TOKEN, secret=SECRET).changed


def test_a_person_becomes_a_robot_only_when_adopted():
    there = profile(qq=u"10001", display_name=u"Person")
    text = refused(present, there, access_token=TOKEN, secret=SECRET)
    assert "is a person" in text and "a value in qq" in text and "adopt: true" in text and "10001" not in text
    assert "in a department" in refused(present, profile(), [{"id": 1}], access_token=TOKEN, secret=SECRET)
    made = present(there, access_token=TOKEN, secret=SECRET, adopt=True)
    assert made.body["qq"] == TOKEN and "display_name" not in made.body
    assert made.before["qq"] == "(hidden)"


def test_what_would_be_no_robot_is_refused():
    assert "give webhook or access_token and secret" in refused(present, None)
    assert "give secret" in refused(present, profile(), access_token=TOKEN)
    assert "give webhook or access_token" in refused(present, profile(wx_userid=SECRET), display_name=u"x")


def test_deleting_needs_a_robot_or_adopt():
    def absent(there, **given):
        return robots.plan("absent", wanted(**given), LOCAL, there, [])

    assert absent(robot()).action == "delete" and absent(robot(qq=u"")).action == "delete"
    assert not absent(None).changed and not absent(profile(enabled=False)).changed
    assert "no robot, so it is not deleted" in refused(absent, profile())
    assert absent(profile(qq=u"1"), adopt=True).action == "delete"


@pytest.mark.parametrize("state, there, given", [("present", None, dict(access_token=TOKEN, secret=SECRET)), ("present", robot(), dict(email=u"")),
                                                 ("absent", robot(), {})])
def test_a_directory_of_a_synchronisation_is_not_written(state, there, given):
    given = dict(given, display_name=u"x")
    for kind, part in ((u"ldap", "read-only"), (u"", "V3 only reads"), (None, "V3 only reads")):
        assert part in refused(robots.plan, state, wanted(**given), dict(LOCAL, type=kind), there, [])


def test_nothing_to_write_is_no_refusal_in_a_read_only_directory():
    assert not robots.plan("present", wanted(access_token=TOKEN), dict(LOCAL, type=u"ldap"), robot(), []).changed


def test_the_directory_is_the_one_with_the_id_or_the_default():
    assert robots.directory([OTHER, LOCAL], None) is LOCAL and robots.directory([LOCAL, OTHER], 3) is OTHER
    assert "1 (default.local), 3 (partner.local)" in refused(robots.directory, [LOCAL, OTHER], 9)
    assert "no default directory" in refused(robots.directory, [OTHER], None)


@pytest.mark.parametrize("name", [u"", u"a b", u"-a", u"_a", u".a", u"a" * 33, u"a/b", u"a,b", u"a\n", u"\u5f20\u4e09", u"a@b", u"\uff11a"])
def test_names_that_user_management_refuses(name):
    if name.strip() == name:
        refused(wanted, name=name)
    else:
        assert wanted(name=name).name == name.strip()


@pytest.mark.parametrize("email, good", [
    (u"a@example.com", True), (u"A.B+c@x.example.co", True), (u"a@localhost", True), (u"", True), (u"a@\u4f8b\u5b50.\u4e2d\u56fd", True),
    (u"a", False), (u"a@b", False), (u"a@b.c", False), (u".a@example.com", False), (u"a..b@example.com", False), (u"a@x_y.com", False),
    (u"a b@example.com", False), (u"a@1.2.3.4", False), (u"a@example.com.", False), (u"x" * 251 + u"@b.cn", False),
])
def test_email_addresses(email, good):
    if good:
        assert wanted(email=email).values["email"] == email
    else:
        refused(wanted, email=email)


@pytest.mark.parametrize("given", [
    dict(access_token=u"t" * 65), dict(secret=u"SEC" + u"s" * 253), dict(secret=u"s"), dict(secret=u"SEC a"), dict(access_token=u""),
    dict(access_token=u"https://h/?access_token=a"), dict(display_name=u"d" * 256), dict(telephone=u"1" * 256), dict(telephone=u"a\x00b"),
    dict(token_field=u"wx_userid"), dict(token_field=u"email"), dict(sign_field=u"extras__"),
])
def test_values_that_are_refused(given):
    refused(wanted, **given)


def test_the_limit_is_counted_in_characters_and_is_the_fields():
    assert wanted(access_token=u"\u4e2d" * 64).values["qq"] == u"\u4e2d" * 64
    assert wanted(access_token=u"t" * 255, token_field=u"wx_openid").values["wx_openid"]
    assert wanted(access_token=u"t" * 999, token_field=u"extras__t").values["extras__t"]


def test_what_a_look_up_does_not_show_is_named():
    made = present(robot(), email=u"new@example.org", access_token=u"other")
    assert robots.unproved(made, robot(email=u"new@example.org", qq=u"other")) == []
    assert robots.unproved(made, robot(email=u"new@example.org")) == ["qq"]
    assert robots.unproved(made, robot(email=u"new@example.org", qq=u"other", iso_code=u"US")) == ["iso_code"]
    assert robots.unproved(made, None) == ["the user itself"]
    gone = robots.plan("absent", wanted(), LOCAL, robot(), [])
    assert robots.unproved(gone, robot(enabled=False)) == [] and robots.unproved(gone, None) == []
    assert robots.unproved(gone, robot()) == ["the user itself"]


def test_names_are_found_without_case():
    there = [{"username": u"Other"}, {"username": u"Robot1@Partner.local"}]
    assert robots.found(there, u"robot1@partner.LOCAL") is there[1] and robots.found(there, u"robot1") is None


def test_look_up_names_drop_the_default_directory_and_repetitions():
    names = robots.look_up_names([u"A", u"a", u"b@DEFAULT.local", u"c@partner.local"], [LOCAL, OTHER])
    assert sorted(names) == [u"A", u"b", u"c@partner.local"]
    for bad in (u"a,b", u"a@", u"a@b@c", u"", u"a b"):
        refused(robots.look_up_names, [bad], [LOCAL])


def test_a_missing_column_is_named():
    there = robot()
    del there["qq"]
    assert "the field qq" in refused(robots.check_columns, FIELDS, there)
    robots.check_columns(FIELDS, robot())


def test_a_list_shows_the_last_four_characters_only():
    told = robots.listed(robot(qq=u"0123456789abcdef", wx_userid=u"SECshort"), FIELDS)
    assert told["access_token"] == "****cdef" and told["secret"] == "****" and "qq" not in told
