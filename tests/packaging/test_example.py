"""inventory.example has every variable that an operator commonly sets, with its default, and none that no role knows."""

import re

import pytest
from packagekit import ROOT, load

from scripts import role_docs

TEXT = (ROOT / "inventory.example").read_text("utf-8")
NAMED = set(re.findall(r"\b(ding_[a-z_]+|robots)(?=:|=)", TEXT))
# For a setting, `# name: value` in a line of its own.
COMMENTED = dict(re.findall(r"^ +# (ding_[a-z_]+): (.+)$", TEXT, re.M))
FOLLOWS = "follows from other variables; for a layout of files that is not BlueKing's"
PLAYBOOK = "set by the playbooks"
LIMIT = "a limit that fits; for a very slow host"
# Variables that the example leaves to the roles' READMEs, each with the reason.
ADVANCED = {
    "ding_esb_home": FOLLOWS, "ding_esb_logs": FOLLOWS, "ding_esb_python": FOLLOWS, "ding_esb_inner_home": FOLLOWS,
    "ding_esb_user": FOLLOWS, "ding_esb_url": FOLLOWS, "ding_esb_options": FOLLOWS, "ding_controller_version": FOLLOWS,
    "ding_backup_as": PLAYBOOK, "ding_backups_of": PLAYBOOK, "ding_control_state": PLAYBOOK, "ding_verify_messages": PLAYBOOK,
    "ding_verify_deeply": PLAYBOOK, "ding_look_outside": PLAYBOOK,
    "ding_drained_until_back": PLAYBOOK,
    "ding_esb_timeout": LIMIT, "ding_restart_timeout": LIMIT, "ding_space_mb": LIMIT,
    "ding_service_unit": "ours, and of that name", "ding_service_folder": FOLLOWS,
    "ding_consul_url": "the agent of the host itself", "ding_consul_service": "BlueKing's own name of the service",
    "ding_operator": "the login that runs the playbook", "ding_package_src": "for work on the channel itself",
}
# Values in comments that are examples, because the default is empty or found out by itself.
EXAMPLES = {"ding_esb_host", "ding_paas_version", "ding_robot_code", "ding_settings", "ding_esb_app_code", "ding_esb_app_secret",
            "ding_usermgr_app_code", "ding_usermgr_app_secret", "ding_usermgr_token", "ding_proxy", "ding_restart_command", "ding_consul_token",
            "ding_overflow", "ding_outbox_max", "ding_outbox_hours", "ding_reserve"}


@pytest.fixture(scope="module")
def variables():
    return load("inventory.example")["all"]["children"]["paas"]["vars"]


def test_every_variable_is_in_the_example_or_left_out_for_a_reason():
    assert sorted(NAMED | set(ADVANCED)) == sorted(role_docs.all_options())
    assert NAMED & set(ADVANCED) == set()


def test_commented_values_are_the_defaults_but_for_the_examples():
    defaults = {name: value for role in role_docs.ROLES for name, value in role_docs.defaults(role).items()}
    values = {name: role_docs.yaml.safe_load(text) for name, text in COMMENTED.items()}
    assert {name: value for name, value in values.items() if name not in EXAMPLES} == {
        name: defaults[name] for name in COMMENTED if name not in EXAMPLES}


def test_secrets_come_from_a_vault(variables):
    secrets = [name for name, option in role_docs.all_options().items() if option.get("no_log")]
    given = {**COMMENTED, **variables}
    assert [given[name] for name in secrets if not re.search(r"\{\{ vault_[a-z_]+ \}\}", given[name])] == []
    assert [robot[key] for robot in variables["robots"] for key in ("webhook", "secret") if not robot[key].startswith("{{ vault_")] == []


def test_there_are_two_hosts_and_a_group_of_robots(variables):
    assert list(load("inventory.example")["all"]["children"]["paas"]["hosts"]) == ["10.0.0.1", "10.0.0.2"]
    assert len(variables["robots"]) == 2


def test_every_part_has_a_comment():
    lines = TEXT.splitlines()
    bare = [line for before, line in zip(lines, lines[1:]) if re.match(r" {8}(# )?(ding_\w+|robots):", line) and not before.strip()]
    assert bare == []
