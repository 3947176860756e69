# -*- coding: utf-8 -*-
# Copyright: (c) 2026, the ding.blueking authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inventory from the platform's own install.config."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
name: install_config
short_description: Hosts and groups from BlueKing's install.config
version_added: 1.0.0
author: the ding.blueking authors (@ding-blueking)
description:
  - Reads the file in which a BlueKing platform says which host carries which module, usually C(/data/install/install.config) on the control host.
  - Every host is named by its address. Each module is a group, for example V(paas) or V(nginx). A project, as in C(mysql(paas)), makes its host a
    member of the group V(mysql) and of the group V(mysql_paas); dashes become underscores.
  - As in the platform's own parser, a line that does not begin with an address means nothing, be it a C([header]), a comment or an indented line.
    A warning names the number of a line that may have been meant to say something.
  - A malformed line is refused by its number, and its file with it. Ansible only warns of that and goes on without hosts, unless
    C(any_unparsed_is_failed) in the section C([inventory]) of ansible.cfg is true, as it is in the collection's own.
  - The source is the file itself, whose name must then be C(install.config) or end in C(.install.config), or a YAML file whose name ends in
    C(install_config.yml) or C(install_config.yaml) and which names this plugin.
options:
  plugin:
    description: The name of this plugin, in a YAML source.
    type: str
    choices: [ding.blueking.install_config, install_config]
  path:
    description: Where the file lies; relative to the YAML source. Ignored when the file itself is the source.
    type: str
    default: /data/install/install.config
  bkrc:
    description:
      - The file whose C(INSTALL_PATH) becomes the variable RV(ignore:ding_bk_home) of all hosts. Without this option it is C(.bkrc) beside the
        file with the hosts, else C(~/.bkrc).
      - When it cannot be read, or sets none, the roles' default holds.
    type: path
    env:
      - name: DING_BKRC
"""

EXAMPLES = r"""
# The file itself; ansible.cfg has in its section [inventory]:
#   enable_plugins = ding.blueking.install_config, host_list, script, auto, yaml, ini
#   any_unparsed_is_failed = true
# ansible-playbook -i /data/install/install.config ding.blueking.install

# blueking.install_config.yml, for which nothing has to be enabled:
plugin: ding.blueking.install_config
path: /data/install/install.config
"""

import os

from ansible.errors import AnsibleParserError
from ansible.module_utils.common.text.converters import to_native, to_text
from ansible.plugins.inventory import BaseInventoryPlugin

from ansible_collections.ding.blueking.plugins.plugin_utils import install_config


class InventoryModule(BaseInventoryPlugin):
    NAME = "ding.blueking.install_config"

    def verify_file(self, path):
        name = os.path.basename(path)
        return super(InventoryModule, self).verify_file(path) and (name == "install.config" or name.endswith((".install.config",) + _YAML))

    def parse(self, inventory, loader, path, cache=True):
        super(InventoryModule, self).parse(inventory, loader, path, cache)
        if path.endswith(_YAML):
            self._read_config_data(path)
            source = os.path.join(os.path.dirname(path), os.path.expanduser(self.get_option("path")))
        else:
            self.set_options()
            source = path
        try:
            text = _read(source)
            hosts = install_config.parse(text)
        except (install_config.MalformedLine, OSError) as problem:
            raise AnsibleParserError("%s: %s" % (source, to_native(problem)))
        for host, groups in hosts.items():
            self.inventory.add_host(host)
            for group in groups:
                self.inventory.add_child(self.inventory.add_group(group), host)
        for number, line in install_config.passed_over(text):
            self.display.warning('%s: line %d means nothing to the platform: "%s"' % (source, number, line))
        self._set_home(os.path.dirname(source))

    def _set_home(self, beside):
        named = self.get_option("bkrc")
        for bkrc in [named] if named else [os.path.join(beside, ".bkrc"), os.path.expanduser("~/.bkrc")]:
            try:
                home = install_config.install_path(_read(bkrc))
            except OSError:
                continue
            if home:
                self.inventory.set_variable("all", "ding_bk_home", home)
                return


_YAML = ("install_config.yml", "install_config.yaml")


def _read(path):
    """Comments may be in any encoding: what counts is ASCII."""
    with open(path, "rb") as handle:
        return to_text(handle.read(), errors="replace")
