# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""install.config and .bkrc as the platform's own tools read them."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.ding.blueking.plugins.plugin_utils import install_config


@pytest.mark.parametrize("text, hosts", [
    ("10.0.0.3 paas,cmdb,job", {"10.0.0.3": ["paas", "cmdb", "job"]}),
    ("10.0.0.3 mysql(paas),nginx", {"10.0.0.3": ["mysql", "mysql_paas", "nginx"]}),
    ("10.0.0.1 monitorv3(influxdb-proxy)", {"10.0.0.1": ["monitorv3", "monitorv3_influxdb_proxy"]}),
    ("10.0.0.1\tpaas, nginx  zk(config)", {"10.0.0.1": ["paas", "nginx", "zk", "zk_config"]}),
    ("10.0.0.1 paas  \n", {"10.0.0.1": ["paas"]}),
    ("10.0.0.1 paas\n10.0.0.2 nginx\n10.0.0.1 nginx,paas", {"10.0.0.1": ["paas", "nginx"], "10.0.0.2": ["nginx"]}),
    ("[basic]\n# 10.0.0.9 paas\n\n10.0.0.1 paas", {"10.0.0.1": ["paas"]}),
    (" 10.0.0.1 paas", {}),
    (":label\nhost1 paas", {}),
    ("", {}),
])
def test_a_line_that_begins_with_an_address_gives_a_host_and_its_groups(text, hosts):
    assert install_config.parse(text) == hosts


@pytest.mark.parametrize("text, problem", [
    ("10.0.0.1 paas\n10.0.0.2 Paas", 'line 2: "Paas" is neither module nor module(project)'),
    ("10.0.0.1 paas,", "line 1: the end, after a comma, is neither module nor module(project)"),
    ("10.0.0.1 mysql(paas", 'line 1: "mysql(paas" is neither module nor module(project)'),
    ("10.0.0.1 paas # the first", 'line 1: "#" is neither module nor module(project)'),
    ("\n10.0.0 paas", "line 2: 10.0.0 is not an IPv4 address"),
    ("10.0.0.256 paas", "line 1: 10.0.0.256 is not an IPv4 address"),
    ("10.0.0.1", "line 1: the host 10.0.0.1 has no module"),
])
def test_a_malformed_line_is_named_by_its_number(text, problem):
    with pytest.raises(install_config.MalformedLine) as caught:
        install_config.parse(text)
    assert str(caught.value) == problem


@pytest.mark.parametrize("text, path", [
    ("umask 022\nexport INSTALL_PATH=/data/bkee\n", "/data/bkee"),
    ("INSTALL_PATH='/data/bk ce'\nINSTALL_PATH=\"/data/bkce/\" # moved", "/data/bkce"),
    ("export INSTALL_PATH=/data/old\nexport INSTALL_PATH=/data/new", "/data/new"),
    ("export BK_HOME=$INSTALL_PATH", None),
    ("#export INSTALL_PATH=/data/bkee", None),
    ("export INSTALL_PATH=", None),
])
def test_the_install_path_is_what_a_shell_would_take(text, path):
    assert install_config.install_path(text) == path
