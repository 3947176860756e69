"""A clone works where it lies, by path and by name, with its own ansible.cfg."""

import pytest
from packagekit import NAME, found_playbooks, playbooks


@pytest.mark.parametrize("form", ["playbooks/%s.yml", NAME + ".%s"])
def test_every_playbook_passes_the_syntax_check(ansible, clone, form):
    said, _ = ansible("ansible-playbook", "--syntax-check", *[form % name for name in playbooks()], cwd=clone)
    assert found_playbooks(said) == playbooks()


def test_the_example_is_an_inventory_as_it_is(ansible, clone):
    assert ansible.inventory("inventory.example", cwd=clone)["paas"]["hosts"] == ["10.0.0.1", "10.0.0.2"]


def test_an_install_config_is_an_inventory_without_further_ado(ansible, clone, tmp_path):
    (tmp_path / "install.config").write_text("10.0.0.1 paas\n")
    assert ansible.inventory(tmp_path / "install.config", cwd=clone)["paas"]["hosts"] == ["10.0.0.1"]


def test_a_malformed_install_config_ends_the_run_and_names_the_line(ansible, clone, tmp_path):
    (tmp_path / "install.config").write_text("10.0.0.1 paas\n10.0.0.2 Paas\n")
    _, errors = ansible("ansible-playbook", "-i", tmp_path / "install.config", "playbooks/verify.yml", cwd=clone, code=1)
    assert 'line 2: "Paas" is neither module nor module(project)' in " ".join(errors.split())
