"""Each role's defaults, argument_specs and README say the same, and preflight checks the variables of all roles."""

import re

import pytest
from packagekit import ROOT, load, roles

from scripts import role_docs

TYPES = {"str": str, "path": str, "int": int, "bool": bool, "list": list, "dict": dict}
SECRET = re.compile(r"(secret|token|password)$")
# Named like a secret, and none: the name of a user's field.
NO_SECRET = ()
TAGS = ("preflight", "backup", "install", "register", "restart", "configure", "verify", "rollback", "service", "uninstall", "always")


def templated(value):
    if isinstance(value, dict):
        return any(map(templated, value.values()))
    return isinstance(value, str) and "{{" in value


def every_option():
    return [pytest.param(role, name, option, id="%s-%s" % (role, name)) for role in role_docs.ROLES
            for name, option in role_docs.options(role).items()]


def test_all_roles_are_known():
    assert sorted(role_docs.ROLES) == roles()


@pytest.mark.parametrize("role", role_docs.ROLES)
def test_defaults_and_specification_name_the_same_variables(role):
    assert sorted(role_docs.options(role)) == sorted(role_docs.defaults(role))


@pytest.mark.parametrize("role, name, option", every_option())
def test_a_default_is_the_same_in_both_and_of_its_type(role, name, option):
    value = role_docs.defaults(role)[name]
    if templated(value):
        # A template in a specification would be printed with its value when another variable is wrong.
        assert "default" not in option
    else:
        assert option["default"] == value
        assert type(option["default"]) is type(value) is TYPES[option["type"]]
        assert value in option.get("choices", [value])


@pytest.mark.parametrize("role, name, option", every_option())
def test_every_variable_is_described_and_every_secret_is_marked(role, name, option):
    assert set(option) <= {"type", "elements", "choices", "default", "description", "no_log"}
    assert option["description"].endswith(".")
    assert ("elements" in option) == (option["type"] == "list")
    assert bool(option.get("no_log")) == (bool(SECRET.search(name)) and name not in NO_SECRET)


def test_a_variable_that_two_roles_have_is_the_same_in_both():
    seen = {}
    for role in role_docs.ROLES:
        for name, option in role_docs.options(role).items():
            assert seen.setdefault(name, (option, role_docs.defaults(role)[name])) == (option, role_docs.defaults(role)[name]), name


def test_every_variable_has_the_prefix():
    assert [name for name in role_docs.all_options() if not name.startswith("ding_")] == ["robots"]


def test_preflight_checks_the_variables_of_all_roles():
    points = load("roles/preflight/meta/argument_specs.yml")["argument_specs"]
    assert points["main"]["options"] == points["arguments"]["options"] == role_docs.all_options()


def test_what_is_made_of_the_specifications_is_up_to_date():
    assert role_docs.stale() == [], "run: python -m scripts.role_docs"


def test_robots_have_no_specification_of_their_own():
    # Ansible prints a value of theirs that does not fit (an entry that is a list, a secret given as adopt).
    assert "options" not in role_docs.all_options()["robots"]


@pytest.mark.parametrize("role", role_docs.ROLES)
def test_a_readme_says_what_the_role_does_what_it_changes_its_tags_and_an_example(role):
    text = (role_docs.ROOT / "roles" / role / "README.md").read_text("utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    assert headings[0] == "ding.blueking.%s" % role
    assert [heading for heading in headings[1:] if heading in ("What it changes", "Variables", "Tags", "Example")] == [
        "What it changes", "Variables", "Tags", "Example"]


def test_roles_are_tagged_by_their_names():
    found = set()
    for name in ("install", "configure", "verify", "rollback", "uninstall"):
        for play in load("playbooks/%s.yml" % name):
            for task in play.get("tasks", []):
                found |= set(task.get("tags", []))
    assert found <= set(TAGS)


def conditions(node):
    """Every condition of a task file: what stands behind when, that, until, failed_when and changed_when."""
    if isinstance(node, list):
        for each in node:
            yield from conditions(each)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("when", "that", "until", "failed_when", "changed_when"):
                yield from (str(each) for each in (value if isinstance(value, list) else [value]))
            else:
                yield from conditions(value)


@pytest.mark.parametrize("path", sorted(str(path.relative_to(ROOT)) for path in [*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/*.yml")]))
def test_a_boolean_that_is_given_as_text_is_taken_as_one(path):
    """-e ding_drain=false is a text: the older cores take it for true, the newer ones end the run in the middle of it."""
    booleans = {name for role in role_docs.ROLES for name, option in role_docs.options(role).items() if option["type"] == "bool"}
    naked = re.compile(r"\b(%s)\b(?! *\| *bool)" % "|".join(sorted(booleans)))
    assert [(each, naked.findall(each)) for each in conditions(load(ROOT / path)) if naked.search(each)] == []
