"""Fixtures of the contract tests: clients, a world of made-up users, global state put back for every test."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from contractkit.config import Config  # noqa: E402
from contractkit.esb import Esb  # noqa: E402
from contractkit.logs import Logs  # noqa: E402
from contractkit.services import DingTalk, UserManagement  # noqa: E402
from contractkit.settings import DING, PERSON, ROBOT, TYPES, Settings  # noqa: E402
from contractkit.world import App, World  # noqa: E402

SANDBOX_DINGTALK = {
    "latency_ms": 0, "qps": 0, "robot_per_minute": 20, "robot_window_seconds": 60, "block_seconds": 600, "throttle_style": "130101",
    "token_life": 7200, "quota_webhook": None, "quota_api": None, "clock_skew_ms": 0, "max_users": 20,
    "body_limit": 20000, "param_limit": 15000, "tokens_shared": True, "token_status": 400, "token_errcode": 40014,
    "token_fetches_per_minute": 0,
}
SANDBOX_USERMGR = {"auth": False, "latency_ms": 0, "fail": None}


def pytest_configure(config):
    config.addinivalue_line("markers", "servers: run in the server matrix too (gunicorn's and uWSGI's kinds)")
    config.addinivalue_line("markers", "without_service: where the channel's service cannot run")
    config.addinivalue_line("markers", "last: looks back at the whole run, so it runs at its end")


def pytest_collection_modifyitems(config, items):
    # Where no service can run (V7), nothing is queued, and the other way round: no test of what is not there.
    service = Config().service
    fitting = [item for item in items if (not item.get_closest_marker("without_service") if service else "queueing" not in item.fixturenames)]
    config.hook.pytest_deselected(items=[item for item in items if item not in fitting])
    items[:] = fitting
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


def pytest_report_header(config):
    contract = Config()
    return "contract: ESB %s (%s), DingTalk %s, user management %s" % (
        contract.esb_url, contract.server, contract.dingtalk_url, contract.usermgr_url)


@pytest.fixture(scope="session")
def contract():
    return Config()


@pytest.fixture(scope="session")
def known_secrets():
    """Every secret of this run: made by World, or issued by DingTalk."""
    return set()


@pytest.fixture(scope="session")
def session_dingtalk(contract):
    return DingTalk(contract.dingtalk_url)


@pytest.fixture(scope="session")
def session_usermgr(contract):
    return UserManagement(contract.usermgr_url)


@pytest.fixture(scope="session")
def default_app(contract, session_dingtalk, known_secrets):
    """The app that stands in the channel's settings: the one a sandbox has, so that the run leaves it as it was."""
    app = App(contract.ding_app_key, contract.ding_app_secret)
    known_secrets.add(app.secret)
    session_dingtalk.post("/_admin/apps", {"app_key": app.key, "app_secret": app.secret})
    return app


@pytest.fixture(scope="session")
def session_settings(contract, default_app):
    baseline = {
        PERSON: {"ding_app_key": default_app.key, "ding_app_secret": default_app.secret, "robot_code": None},
        ROBOT: {"token_field": None, "sign_field": None},
        DING: {
            "msg_key": None, "proxy": None, "oapi_url": contract.dingtalk_url, "api_url": contract.dingtalk_url,
            "ca_bundle": None, "connect_timeout": None, "read_timeout": None, "deadline": None,
            "on_uncertain": None, "qps": 0, "overflow": "refuse", "outbox_max": None, "outbox_hours": None, "reserve": None,
            "robot_per_minute": None, "robot_window": None, "paas_hosts": 1,
        },
        TYPES: {"ding": True},
    }
    settings = Settings(contract, baseline)
    yield settings
    settings.leave()


@pytest.fixture
def settings(session_settings):
    """Baseline settings from the next call on; call use({path: {name: value}}) for more."""
    session_settings.use()
    return session_settings


@pytest.fixture
def dingtalk(session_dingtalk):
    session_dingtalk.clear_faults()
    session_dingtalk.configure(**SANDBOX_DINGTALK)
    session_dingtalk.forget()
    yield session_dingtalk
    session_dingtalk.clear_faults()
    session_dingtalk.configure(**SANDBOX_DINGTALK)


@pytest.fixture
def usermgr(session_usermgr):
    session_usermgr.configure(**SANDBOX_USERMGR)
    session_usermgr.forget()
    yield session_usermgr
    session_usermgr.configure(**SANDBOX_USERMGR)


@pytest.fixture
def world(dingtalk, usermgr, known_secrets):
    return World(dingtalk, usermgr, known_secrets)


@pytest.fixture
def esb(contract, settings, dingtalk, usermgr):
    return Esb(contract.esb_url, contract.app_code, contract.app_secret, before_call=settings.apply)


@pytest.fixture
def logs(contract):
    """The ESB's logs, from now on."""
    logs = Logs(contract.log_dirs)
    logs.forget()
    return logs
