# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The inventory plugin over files on disk."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, inventory_loader


@pytest.fixture(autouse=True, scope="module")
def loader_ready():
    try:
        init_plugin_loader()
    except Exception:  # another test module has done it
        pass


def read(path, plugin=None):
    plugin = plugin or inventory_loader.get("ding.blueking.install_config")
    assert plugin.verify_file(str(path))
    inventory = InventoryData()
    plugin.parse(inventory, DataLoader(), str(path))
    return inventory


class Display(object):
    def __init__(self):
        self.warnings = []

    def warning(self, text):
        self.warnings.append(text)


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DING_BKRC", raising=False)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".bkrc").write_text(u"umask 022\nexport INSTALL_PATH=/data/bkee\n")
    (tmp_path / "install.config").write_text(u"[basic]\n10.0.0.1 paas,nginx\n10.0.0.2 paas,mysql(paas)\n")
    return tmp_path / "install.config"


def test_the_file_itself_is_a_source(config):
    inventory = read(config)
    assert [host.name for host in inventory.groups["paas"].get_hosts()] == ["10.0.0.1", "10.0.0.2"]
    assert [host.name for host in inventory.groups["mysql_paas"].get_hosts()] == ["10.0.0.2"]


def test_the_install_path_becomes_the_home_of_all_hosts(config):
    assert read(config).groups["all"].vars["ding_bk_home"] == "/data/bkee"


def test_a_bkrc_beside_the_file_counts_more_than_that_of_the_user(config):
    (config.parent / ".bkrc").write_text(u"export INSTALL_PATH=/data/other\n")
    assert read(config).groups["all"].vars["ding_bk_home"] == "/data/other"


def test_a_named_bkrc_is_the_only_one_that_counts(config, monkeypatch):
    monkeypatch.setenv("DING_BKRC", str(config.parent / "named"))
    assert "ding_bk_home" not in read(config).groups["all"].vars
    (config.parent / "named").write_text(u"INSTALL_PATH=/opt/bk\n")
    assert read(config).groups["all"].vars["ding_bk_home"] == "/opt/bk"


def test_without_a_bkrc_the_home_is_left_to_the_roles(config):
    (config.parent / "home" / ".bkrc").unlink()
    assert "ding_bk_home" not in read(config).groups["all"].vars


def test_a_line_that_may_have_been_meant_for_a_host_is_warned_of(config):
    config.write_text(u"[basic]\n10.0.0.1 paas\n 10.0.0.2 paas\n")
    plugin = inventory_loader.get("ding.blueking.install_config")
    plugin.display = Display()
    assert sorted(read(config, plugin).hosts) == ["10.0.0.1"]
    assert plugin.display.warnings == ['%s: line 3 means nothing to the platform: " 10.0.0.2 paas"' % config]


def test_comments_may_be_in_any_encoding(config):
    config.write_bytes(u"# 控制台\n10.0.0.1 paas\n".encode("gbk"))
    assert sorted(read(config).hosts) == ["10.0.0.1"]


def test_a_yaml_file_names_the_plugin_and_the_path(config):
    source = config.parent / "platform.install_config.yml"
    source.write_text(u"plugin: ding.blueking.install_config\npath: install.config\n")
    assert sorted(read(source).hosts) == ["10.0.0.1", "10.0.0.2"]


def test_a_malformed_line_names_file_and_number(config):
    config.write_text(u"10.0.0.1 paas\n10.0.0.2 Nginx\n")
    with pytest.raises(AnsibleParserError) as caught:
        read(config)
    assert "install.config: line 2" in str(caught.value)


def test_other_files_are_left_to_other_plugins(tmp_path):
    (tmp_path / "hosts.yml").write_text(u"all:\n")
    assert not inventory_loader.get("ding.blueking.install_config").verify_file(str(tmp_path / "hosts.yml"))
