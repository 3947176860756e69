"""The first task on the hosts checks all variables, says which one is wrong, and prints no secret, on success or failure."""

import json
import re

import pytest
from packagekit import NAME, playbooks

SECRET = "SEC" + "5f" * 20
WEBHOOK = "https://oapi.dingtalk.com/robot/send?access_token=" + "7a" * 20
GOOD = {"ding_app_key": "dingkey", "ding_app_secret": "9c" * 20, "ding_esb_app_secret": "3d" * 20, "ding_usermgr_app_secret": "6e" * 20,
        "ding_usermgr_token": "8b" * 20, "ding_consul_token": "4a" * 20,
        "robots": [{"name": "ops", "webhook": WEBHOOK, "secret": SECRET}]}
ROBOT = GOOD["robots"][0]
# host: (variables, what is said; nothing for a host that passes)
CASES = {
    "good": ({}, ""),
    "texts": ({"ding_drain": "yes", "ding_backup_keep": "3", "ding_restart_command": "systemctl restart esb"}, ""),
    "mode": ({"ding_restart_mode": "restrat"}, "value of ding_restart_mode must be one of: restart, graceful, command, got: restrat"),
    "runtime": ({"ding_esb_runtime": "podman"}, "value of ding_esb_runtime must be one of: auto, systemd, docker, command"),
    "keep": ({"ding_backup_keep": "many"}, "argument 'ding_backup_keep' is of type"),
    "drain": ({"ding_drain": "perhaps"}, "argument 'ding_drain' is of type"),
    "settings": ({"ding_settings": "proxy " + SECRET}, "argument 'ding_settings' is of type"),
    "robots-text": ({"robots": "ops " + SECRET}, "for option 'robots'"),
    "robots-dict": ({"robots": ROBOT}, "argument 'robots' is of type"),
    "robots-texts": ({"robots": ["ops " + SECRET]}, "for option 'robots'"),
    "robots-nested": ({"robots": [[ROBOT]]}, "for option 'robots'"),
    "undefined": ({"robots": [dict(ROBOT, secret="{{ vault_of_nobody }}")]}, "vault_of_nobody"),
    # The filter robot_problems says these; here they must only not be printed.
    "robots-adopt": ({"robots": [dict(ROBOT, adopt=SECRET)]}, ""),
    "robots-state": ({"robots": [dict(ROBOT, state=SECRET)]}, ""),
    "robots-misspelt": ({"robots": [dict(ROBOT, secrte=SECRET)]}, ""),
    "secret-list": ({"ding_app_secret": [SECRET]}, ""),
    "secret-dict": ({"ding_app_secret": {"value": SECRET}}, ""),
    "keep-beside-secrets": ({"ding_backup_keep": [1]}, "argument 'ding_backup_keep' is of type"),
}


@pytest.fixture(scope="module")
def said(ansible, installed, tmp_path_factory):
    """What a run at -vvv over one host per case printed, in which nothing but the check runs: only that has the tag `always`."""
    place = tmp_path_factory.mktemp("arguments")
    hosts = {name: {**GOOD, **variables} for name, (variables, _) in CASES.items()}
    (place / "inventory.yml").write_text(json.dumps({"all": {"vars": {"ansible_connection": "local"}, "hosts": hosts}}), "utf-8")
    (place / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [
        {"name": "Look", "ansible.builtin.import_role": {"name": NAME + ".preflight", "tasks_from": "arguments"}}]}]), "utf-8")
    return "".join(ansible("ansible-playbook", "-vvv", "-i", "inventory.yml", "play.yml", "--tags", "nothing", cwd=place, home=installed, code=2))


@pytest.fixture(scope="module")
def by_host(said):
    """{host: what its failure says, on one line}; "" for a host that passed."""
    found = dict.fromkeys(re.findall(r"^ok: \[([\w-]+)\]", said, re.M), "")
    for host, text in re.findall(r"^fatal: \[([\w-]+)\]: FAILED! => (\{.*?^\})", said, re.M | re.S):
        found[host] = json.loads(text)["msg"]
    return found


def test_every_host_is_checked_once(by_host, said):
    assert sorted(by_host) == sorted(CASES)
    assert said.count("Validating arguments against arg spec") == 1


@pytest.mark.parametrize("host", CASES)
def test_what_is_wrong_is_said_and_what_is_right_passes(by_host, host):
    expected = CASES[host][1]
    assert expected in by_host[host] if expected else by_host[host] == ""


@pytest.mark.parametrize("part", ["5f5f", "7a7a", "9c9c", "3d3d", "6e6e", "8b8b", "4a4a"])
def test_no_secret_is_printed(said, part):
    assert part not in said


@pytest.mark.parametrize("playbook", sorted(set(playbooks()) - {"hosts"}))
def test_every_playbook_ends_at_a_misspelt_variable_before_it_speaks_to_a_host(ansible, installed, tmp_path, playbook):
    (tmp_path / "inventory.yml").write_text("paas:\n  hosts:\n    host.invalid:\n", "utf-8")
    said = "".join(ansible("ansible-playbook", "-i", "inventory.yml", "%s.%s" % (NAME, playbook), "-e", "ding_restart_mode=restrat", cwd=tmp_path,
                           home=installed, code=2))
    assert "value of ding_restart_mode must be one of" in said
    assert "unreachable=0" in said
