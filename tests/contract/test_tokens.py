"""Access tokens and the app's credentials: kept, renewed once, and said clearly when they are wrong."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from contractkit.services import BATCH, LOOK_UP, OLD_TOKEN, TOKEN

PERSON = "/cmsi/send_dingtalk/"


def fetches(dingtalk, app):
    return len(dingtalk.calls(TOKEN, app_key=app.key)) + len(dingtalk.calls(OLD_TOKEN, app_key=app.key))


def renewals_allowed(contract):
    """In memory each worker process has a token of its own; Redis is shared."""
    return 1 if contract.redis else contract.workers


@pytest.mark.servers
def test_a_token_is_kept_between_requests(contract, esb, dingtalk, world):
    app, person = world.app(), world.person()
    for _ in range(4 * contract.workers):
        assert esb.send_ding([person], **app.fields).ok
    assert 1 <= fetches(dingtalk, app) <= renewals_allowed(contract)


@pytest.mark.servers
def test_ten_concurrent_requests_renew_a_revoked_token_once_between_them(contract, esb, dingtalk, world):
    app, people = world.app(), world.people(10)
    for person in people:
        assert esb.send_ding([person], **app.fields).ok
    dingtalk.revoke_tokens()
    before = fetches(dingtalk, app)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda person: esb.send_ding([person], "again", **app.fields), people))
    assert [answer.ok for answer in answers] == [True] * 10, [a for a in answers if not a.ok]
    assert 1 <= fetches(dingtalk, app) - before <= renewals_allowed(contract)
    assert [dingtalk.texts(person).count("again") for person in people] == [1] * 10


def test_a_look_up_with_a_revoked_token_renews_it_and_goes_on(esb, dingtalk, world):
    app, known, new = world.app(), world.person(), world.person()
    assert esb.send_ding([known], **app.fields).ok
    dingtalk.revoke_tokens()
    answer = esb.send_ding([new], **app.fields)
    assert answer.ok, answer
    assert len(dingtalk.messages(new)) == 1


def test_a_token_that_stays_invalid_is_renewed_once_and_then_told(esb, dingtalk, world):
    app, person = world.app(), world.person()
    refusal = {"status": 401, "body": {"code": "InvalidAuthentication", "message": "token is not valid"}}
    dingtalk.fault(BATCH, refusal, times=0, userid=person.userid)
    answer = esb.send_ding([person], **app.fields)
    assert answer.invalid == [person.name] and "InvalidAuthentication" in answer.reason(person), answer
    assert len(dingtalk.calls(BATCH, userid=person.userid)) == 2


@pytest.mark.parametrize("errcode", [40014, 40001, 42001, 88])
def test_a_token_error_of_a_look_up_renews_once_and_repeats_once(errcode, esb, dingtalk, world):
    app, person = world.app(), world.person()
    dingtalk.fault(LOOK_UP, {"errcode": errcode, "errmsg": "token"}, mobile=person.mobile)
    assert esb.send_ding([person], **app.fields).ok
    assert len(dingtalk.calls(LOOK_UP, mobile=person.mobile)) == 2


def assert_names(answer, person, setting):
    assert answer.result is False and answer.code != 0 and answer.invalid in ([person.name], []), answer
    assert setting in answer.message and PERSON in answer.message, answer


@pytest.mark.parametrize("missing", ["ding_app_key", "ding_app_secret"])
@pytest.mark.parametrize("stored", [None, ""])
def test_a_missing_credential_names_the_setting_and_its_channel(missing, stored, esb, dingtalk, world, settings):
    settings.use({PERSON: {missing: stored}})
    person = world.person()
    assert_names(esb.send_ding([person]), person, missing)
    assert_names(esb.send_msg([person]), person, missing)
    assert dingtalk.calls(BATCH) == []


def test_without_an_app_groups_still_get_their_message(esb, dingtalk, world, settings):
    settings.use({PERSON: {"ding_app_key": None, "ding_app_secret": None}})
    bot, person = world.robot(), world.person()
    answer = esb.send_ding([bot, person])
    assert answer.invalid == [person.name] and answer.message.startswith("Some users failed"), answer
    assert len(dingtalk.messages(bot)) == 1


@pytest.mark.servers
def test_a_wrong_app_secret_names_the_setting_and_dingtalks_word(esb, dingtalk, world, settings, known_secrets):
    wrong = "not-the-right-secret-0000000000"
    known_secrets.add(wrong)
    settings.use({PERSON: {"ding_app_secret": wrong}})
    person = world.person()
    answer = esb.send_ding([person])
    assert_names(answer, person, "ding_app_secret")
    assert "invalidClientIdOrSecret" in answer.message, answer
    assert wrong not in answer.text and dingtalk.calls(BATCH) == []


def test_a_corrected_app_secret_works_at_once(esb, dingtalk, world, settings):
    settings.use({PERSON: {"ding_app_secret": "not-the-right-secret-1111111111"}})
    person = world.person()
    assert esb.send_ding([person]).result is False
    settings.use()
    assert esb.send_ding([person]).ok


@pytest.mark.parametrize("component", ["send_ding", "send_dingtalk"])
def test_a_callers_own_app_is_used_for_its_call(component, esb, dingtalk, world):
    app, person, other = world.app(), world.person(), world.person()
    assert esb.send(component, [person], **app.fields).ok
    assert fetches(dingtalk, app) == 1
    assert [call["body"]["robotCode"] for call in dingtalk.calls(BATCH)] == [app.key]
    assert esb.send(component, [other]).ok
    assert dingtalk.calls(BATCH, userid=other.userid)[0]["body"]["robotCode"] != app.key


def test_a_callers_wrong_secret_does_not_disturb_the_next_callers(esb, world, default_app):
    person = world.person()
    wrong = esb.send_ding([person], ding_app_key=default_app.key, ding_app_secret="not-the-right-secret-2222222222")
    assert wrong.result is False and wrong.invalid == [person.name], wrong
    assert esb.send_ding([person]).ok


def test_a_robot_code_of_its_own_goes_into_the_batches(esb, dingtalk, world, settings):
    app = world.app(robot_code="robot-code-of-its-own")
    settings.use({PERSON: dict(app.fields, robot_code="robot-code-of-its-own")})
    person = world.person()
    assert esb.send_ding([person]).ok
    assert [call["body"]["robotCode"] for call in dingtalk.calls(BATCH)] == ["robot-code-of-its-own"]


@pytest.mark.parametrize("config", [
    {"tokens_shared": False}, {"token_status": 401}, {"token_errcode": 40001}, {"token_errcode": 88}])
def test_it_works_whichever_of_the_disagreeing_sources_about_tokens_is_right(config, esb, dingtalk, world):
    dingtalk.configure(**config)
    app, first, second = world.app(), world.person(), world.person()
    assert esb.send_ding([first], **app.fields).ok
    dingtalk.revoke_tokens()
    answer = esb.send_ding([first, second], "again", **app.fields)
    assert answer.ok, answer
    assert dingtalk.texts(first).count("again") == dingtalk.texts(second).count("again") == 1
