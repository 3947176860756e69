"""inventory.yml carries everything that the playbooks need, as ansible-inventory reads it, and nobody else may read it."""

import os
from pathlib import Path

import pytest
import yaml

from sandbox import channel, hosts, inventory, paths, receivers, state

URLS = {"dingtalk": "http://127.0.0.1:18001", "usermgr": "http://127.0.0.1:18002", "esb": "http://127.0.0.1:18003"}
NAMES = ("paas1", "paas2")


@pytest.fixture
def home(tmp_path):
    """A home whose path needs every kind of quoting that YAML has."""
    return paths.Home(tmp_path / "a home: 'with' \"quotes\", #1 é")


@pytest.fixture
def written(home):
    ports = {"usermgr": 18002, "paas1": 18003, "paas2": 18004}
    inventory.write(home, NAMES, {"urls": URLS, "processes": {name: {"port": port} for name, port in ports.items()},
                                  "app_code": state.APP_CODE, "app_secret": state.APP_SECRET})
    return yaml.safe_load(home.inventory.read_text("utf-8"))["all"]


def test_only_its_owner_may_read_it(home, written):
    previous = os.umask(0)
    try:
        inventory.write(home, [], {"urls": URLS, "processes": {"usermgr": {"port": 1}}, "app_code": "a", "app_secret": "b"})
    finally:
        os.umask(previous)
    assert home.inventory.stat().st_mode & 0o7777 == 0o600
    assert [path.name for path in home.path.iterdir()] == [home.inventory.name]


def test_each_host_has_a_tree_a_port_and_a_backup_folder_of_its_own(home, written):
    found = written["children"]["paas"]["hosts"]
    assert list(found) == list(NAMES)
    assert found["paas2"]["ding_esb_port"] == 18004
    for name, host in found.items():
        for variable in ("ding_bk_home", "ding_src_home", "ding_backup_dir"):
            assert Path(host[variable]).is_relative_to(home.host(name).root / "data"), variable


def test_what_the_playbooks_take_from_elsewhere_on_a_real_platform_is_there(home, written):
    shared = written["vars"]
    assert shared["ansible_connection"] == "local" and shared["ansible_become"] is False
    assert os.access(shared["ansible_python_interpreter"], os.X_OK)
    assert (shared["ding_esb_app_code"], shared["ding_esb_app_secret"]) == (state.APP_CODE, state.APP_SECRET)
    assert (shared["ding_app_key"], shared["ding_app_secret"]) == (channel.APP_KEY, channel.APP_SECRET)
    assert [robot["name"] for robot in shared["robots"]] == [receivers.ROBOT]
    assert shared["robots"][0]["webhook"] == URLS["dingtalk"] + "/robot/send?access_token=" + receivers.TOKEN
    assert shared["ding_verify_receivers"] == [receivers.PERSON]


def test_the_restart_command_is_a_list_of_words_for_this_sandbox_and_this_host(home, written):
    command = written["vars"]["ding_restart_command"]
    assert command[0] == "env" and "DING_SANDBOX_HOME=%s" % home.path in command and "PYTHONPATH=%s" % paths.ROOT in command
    assert command[-4:] == ["-m", "sandbox", "restart", "{{ inventory_hostname }}"]


def test_the_control_host_has_what_the_playbooks_look_for(home, written):
    hosts.lay_out_control(home.control)
    hosts.lay_out_control(home.control)
    packages = Path(written["vars"]["ding_control_src_home"]) / "open_paas"
    assert (packages / "VERSION").read_text("utf-8") == hosts.VERSION + "\n"
    stock = paths.ESB_SOURCE / "components/generic/apis"
    assert hosts.tree_hash(packages / "esb/components/generic/apis") == hosts.tree_hash(stock)
    files = sorted(Path(written["vars"]["ding_control_env"]).glob("*.env"))
    assert [path.name for path in files] == sorted(hosts.ENV_FILES)
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)


def test_a_host_keeps_the_platforms_packages_beside_the_running_copy(home, tmp_path):
    host = home.host("paas1")
    hosts.lay_out(host, tmp_path)
    hosts.lay_out(host, tmp_path)
    assert hosts.tree_hash(host.src_home / "open_paas/esb/components/generic/apis") == hosts.tree_hash(host.generic / "apis")
    assert (host.src_home / "open_paas/VERSION").is_file() and (host.bk_home / "open_paas/VERSION").is_file()
