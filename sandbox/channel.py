"""Puts the channel into the sandbox's hosts and takes it out again, until the collection's playbooks do it."""

import contextlib
import json
import os
import secrets
import shutil

from plugins.module_utils import conf_block
from sandbox import client, hosts, paths
from sandbox.errors import SandboxError

NAME = "ding_blueking"
APP_KEY = "dingsandboxkeynotreal"
APP_SECRET = "sandbox-dingtalk-secret-not-real"
CHANNELS = ("/cmsi/send_ding/", "/cmsi/send_dingtalk/", "/cmsi/send_dingbot/", "/cmsi/ding_status/")
_NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.pyc", "*.pyo")
_DELETE_ROWS = """
import django
django.setup()
from esb.bkcore.models import ESBChannel
ESBChannel.objects.filter(path__in=%r).delete()
"""


def available():
    return (paths.CHANNEL_SOURCE / "_channels.py").is_file()


def put_files(generic):
    """Folder and block into components/generic of one ESB tree: staged beside `apis`, then renamed."""
    _check(generic)
    before, after = _plan_conf(generic, conf_block.add)
    with _stage(generic) as stage:
        shutil.copytree(paths.CHANNEL_SOURCE, stage / "new", ignore=_NOT_COPIED)
        _swap(generic / "apis" / NAME, stage / "new", stage / "old")
        _write_conf(generic, stage, before, after)


def take_files(generic):
    """The inverse of put_files."""
    _check(generic)
    before, after = _plan_conf(generic, conf_block.remove)
    with _stage(generic) as stage:
        _write_conf(generic, stage, before, after)
        _swap(generic / "apis" / NAME, None, stage / "old")


def _check(generic):
    if not (generic / "apis").is_dir():
        raise SandboxError("%s has no folder `apis`: this is not an ESB's components/generic." % generic)


@contextlib.contextmanager
def _stage(generic):
    # Outside the folders that the ESB walks, on the same file system, so that a rename is all it takes.
    for left_over in generic.glob(".%s.*" % NAME):
        shutil.rmtree(left_over)
    stage = generic / (".%s.%s" % (NAME, secrets.token_hex(4)))
    stage.mkdir()
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _swap(target, new, old):
    if target.exists():
        target.rename(old)
    if new is not None:
        new.rename(target)


def _plan_conf(generic, change):
    """conf.py's content before and after, None for no file: asked before anything changes, because it may refuse."""
    conf = generic / "apis" / "conf.py"
    before = conf.read_bytes() if conf.exists() else None
    try:
        return before, change(before)
    except conf_block.DamagedBlock as error:
        raise SandboxError("%s was not changed. %s" % (conf, error))


def _write_conf(generic, stage, before, after):
    conf = generic / "apis" / "conf.py"
    if after == before:
        return
    if after is None:
        conf.unlink()
    else:
        staged = stage / "conf.py"
        staged.write_bytes(after)
        staged.chmod(conf.stat().st_mode & 0o7777 if conf.exists() else 0o644)
        os.replace(staged, conf)
    # Python compares whole seconds: a conf.py that is written twice in one second would keep its first byte code.
    for path in [*conf.parent.glob("conf.py[co]"), *conf.parent.glob("__pycache__/conf.*")]:
        path.unlink()


def register(home, name, options, urls):
    """Rows, settings and the message type's switch, through the ESB's own commands; and our app at DingTalk."""
    hosts.manage(home, name, options, urls, "sync_system_and_channel_data")
    hosts.manage(home, name, options, urls, "sandbox_channel", given=settings_text(urls["dingtalk"], options.get("hosts") or 1))


def unregister(home, name, options, urls):
    switched_off = json.dumps({"/cmsi/get_msg_type/": {"ding": None}})
    hosts.manage(home, name, options, urls, "sandbox_channel", given=switched_off)
    hosts.manage(home, name, options, urls, _DELETE_ROWS % (list(CHANNELS),), python=True)


def settings_text(dingtalk_url, number_of_hosts=1):
    """The channel's settings as JSON: the sandbox's DingTalk, our app, how many hosts there are, the message type switched on."""
    return json.dumps({
        "/cmsi/send_ding/": {"oapi_url": dingtalk_url, "api_url": dingtalk_url, "paas_hosts": number_of_hosts},
        "/cmsi/send_dingtalk/": {"ding_app_key": APP_KEY, "ding_app_secret": APP_SECRET},
        "/cmsi/get_msg_type/": {"ding": True},
    })


def register_app(dingtalk_url):
    client.post(dingtalk_url + "/_admin/apps", {"app_key": APP_KEY, "app_secret": APP_SECRET})


def check(base, app_code, app_secret):
    """Asks one host whether the message type is there and switched on."""
    answer = client.esb(base, "/api/c/compapi/cmsi/get_msg_type/", {}, app_code, app_secret)
    found = [row for row in answer.get("data") or [] if row.get("type") == "ding"]
    if not found:
        raise SandboxError("The ESB at %s does not list the message type `ding`: its esb.log says why the package was "
                           "not loaded. It answered: %s" % (base, answer.get("message")))
    if not found[0].get("is_active"):
        raise SandboxError("The ESB at %s knows the message type `ding`, but it is switched off." % base)
