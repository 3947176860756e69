"""The installed collection works by name: from the artefact and from git, in an empty home, without a network."""

import json

import pytest
from packagekit import KINDS, NAME, found_playbooks, load, plain, playbooks, plugins, roles


@pytest.fixture(params=["artefact", "git"])
def home(request):
    return request.getfixturevalue("installed" if request.param == "artefact" else "installed_from_git")


def test_both_ways_install_the_same_files(installed, installed_from_git):
    folders = [home / ".ansible" / "collections" / "ansible_collections" / "ding" / "blueking" for home in (installed, installed_from_git)]
    first, second = [{str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()} for folder in folders]
    for each in (first, second):
        each.pop("MANIFEST.json")
    assert sorted(first) == sorted(second)
    assert first == second


def test_ansible_galaxy_knows_its_version(ansible, home):
    listed = json.loads(ansible("ansible-galaxy", "collection", "list", "--format", "json", home=home)[0])
    versions = [found[NAME]["version"] for path, found in listed.items() if str(home) in path]
    assert versions == [load("galaxy.yml")["version"]]


def test_ansible_galaxy_finds_every_file_unchanged(ansible, home):
    ansible("ansible-galaxy", "collection", "verify", "--offline", NAME, home=home)


def test_every_playbook_is_found_by_name(ansible, home):
    said, _ = ansible("ansible-playbook", "--syntax-check", *["%s.%s" % (NAME, name) for name in playbooks()], home=home)
    assert found_playbooks(said) == playbooks()


def test_every_plugin_has_documentation(ansible, installed):
    for kind in {kind for kind, _ in plugins()}:
        names = [name for each, name in plugins() if each == kind]
        documented = json.loads(ansible("ansible-doc", "--json", "-t", kind, *names, home=installed)[0])
        assert sorted(documented) == names
        assert [name for name, found in documented.items() if not found["doc"]["short_description"]] == []


def test_every_plugin_is_listed(ansible, installed):
    for kind in KINDS:
        listed = json.loads(ansible("ansible-doc", "--json", "--list", "-t", kind, NAME, home=installed)[0])
        assert sorted(listed) == [name for each, name in plugins() if each == kind]


def test_the_example_can_be_copied_to_an_inventory(ansible, installed, tmp_path):
    folder = installed / ".ansible" / "collections" / "ansible_collections" / "ding" / "blueking"
    (tmp_path / "inventory.yml").write_bytes((folder / "inventory.example").read_bytes())
    found = ansible.inventory("inventory.yml", cwd=tmp_path, home=installed)
    assert len(found["paas"]["hosts"]) == 2
    assert found["_meta"]["hostvars"][found["paas"]["hosts"][0]]["robots"]


def test_an_install_config_is_an_inventory_where_the_plugin_is_enabled(ansible, installed, tmp_path):
    (tmp_path / "install.config").write_text("[basic]\n10.0.0.1 paas,nginx\n10.0.0.2 paas,mysql(paas)\n")
    found = ansible.inventory("install.config", cwd=tmp_path, home=installed, ANSIBLE_INVENTORY_ENABLED=NAME + ".install_config")
    assert found["paas"]["hosts"] == ["10.0.0.1", "10.0.0.2"]
    assert found["mysql_paas"]["hosts"] == ["10.0.0.2"]


def test_a_yaml_source_needs_nothing_enabled(ansible, installed, tmp_path):
    (tmp_path / "install.config").write_text("10.0.0.1 paas\n")
    (tmp_path / "site.install_config.yml").write_text("plugin: ding.blueking.install_config\npath: install.config\n")
    assert ansible.inventory("site.install_config.yml", cwd=tmp_path, home=installed)["paas"]["hosts"] == ["10.0.0.1"]


def test_group_vars_beside_an_install_config_count(ansible, installed, tmp_path):
    (tmp_path / "install.config").write_text("10.0.0.1 paas\n10.0.0.2 nginx\n")
    (tmp_path / ".bkrc").write_text("export INSTALL_PATH=/data/bkee\n")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "paas.yml").write_text("robots:\n  - {name: ops, webhook: '{{ vault_webhook }}', secret: '{{ vault_secret }}'}\n")
    hosts = ansible.inventory("install.config", cwd=tmp_path, home=installed,
                              ANSIBLE_INVENTORY_ENABLED=NAME + ".install_config")["_meta"]["hostvars"]
    assert hosts["10.0.0.1"]["robots"][0]["name"] == "ops"
    assert plain(hosts["10.0.0.1"]["ding_bk_home"]) == "/data/bkee"
    assert "robots" not in hosts["10.0.0.2"]


def test_every_role_says_what_it_takes(ansible, installed):
    documented = json.loads(ansible("ansible-doc", "--json", "-t", "role", *["%s.%s" % (NAME, role) for role in roles()], home=installed)[0])
    assert sorted(documented) == ["%s.%s" % (NAME, role) for role in roles()]
