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
    ("10.0.0.1 paas\r\n10.0.0.2 nginx \t\r\n\r\n", {"10.0.0.1": ["paas"], "10.0.0.2": ["nginx"]}),
    ("10.0.0.1,paas ,nginx", {"10.0.0.1": ["paas", "nginx"]}),
    (u"# 控制台\u2028\n10.0.0.1 paas", {"10.0.0.1": ["paas"]}),
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
    ("[basic]\r\n\r\n10.0.0.1\r\n", "line 3: the host 10.0.0.1 has no module"),
])
def test_a_malformed_line_is_named_by_its_number(text, problem):
    with pytest.raises(install_config.MalformedLine) as caught:
        install_config.parse(text)
    assert str(caught.value) == problem


# Two of the platform's own samples (install.config.SP.sample, and a part of install.config.5ip.sample), and what its parser makes of them.
SINGLE = u"""# 单点部署蓝鲸基础版
[basic]
10.0.0.1 consul,nginx,mongodb,mysql,zk(config),rabbitmq
10.0.0.1 paas,usermgr,iam,ssm,cmdb,job,nodeman(nodeman),iam_search_engine
10.0.0.1 license,appo,gse,redis,redis_sentinel,auth,etcd,apigw,redis_cluster"""
SEVERAL = u"""10.0.5.2 license,consul,paas,monitorv3(influxdb-proxy),monitorv3(monitor),monitorv3(unify-query),etcd
10.0.5.3 nginx,zk(config),paas,log(api),log(grafana)
10.0.5.5 cmdb,zk(config),nodeman(nodeman),es7"""


def test_the_platforms_own_samples_give_what_its_parser_gives():
    assert set(install_config.parse(SINGLE)["10.0.0.1"]) == set(
        "consul nginx mongodb mysql zk zk_config rabbitmq paas usermgr iam ssm cmdb job nodeman nodeman_nodeman iam_search_engine "
        "license appo gse redis redis_sentinel auth etcd apigw redis_cluster".split())
    assert install_config.parse(SEVERAL) == {
        "10.0.5.2": ["license", "consul", "paas", "monitorv3", "monitorv3_influxdb_proxy", "monitorv3_monitor", "monitorv3_unify_query",
                     "etcd"],
        "10.0.5.3": ["nginx", "zk", "zk_config", "paas", "log", "log_api", "log_grafana"],
        "10.0.5.5": ["cmdb", "zk", "zk_config", "nodeman", "nodeman_nodeman", "es7"]}


@pytest.mark.parametrize("text, lines", [
    ("[basic]\n# c\n  # c\n:label\n\n \t\n10.0.0.1 paas\r\n\r\n", []),
    ("10.0.0.1 paas\n 10.0.0.2 paas\nhost3 paas\r\n", [(2, " 10.0.0.2 paas"), (3, "host3 paas")]),
    (u"\ufeff10.0.0.1 paas\n", [(1, u"\ufeff10.0.0.1 paas")]),
])
def test_a_line_that_says_nothing_to_the_platform_but_may_mean_a_host_is_named(text, lines):
    assert install_config.passed_over(text) == lines


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
