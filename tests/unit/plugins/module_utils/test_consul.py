# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""consul.py: which instances are this host's, who has taken them out, and whether anybody else serves."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import consul
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

NAME = "paas-esb"
SERVICES = {"paas-esb-1": dict(ID="paas-esb-1", Service=NAME), "paas-login-1": dict(ID="paas-login-1", Service="paas-login")}
CHECKS = {"service:paas-esb-1": dict(CheckID="service:paas-esb-1", ServiceID="paas-esb-1", Node="a", Status="passing", Name="TCP", Notes=""),
          "service:paas-login-1": dict(CheckID="service:paas-login-1", ServiceID="paas-login-1", Node="a", Status="critical", Name="TCP", Notes=""),
          "serfHealth": dict(CheckID="serfHealth", ServiceID="", Node="a", Status="passing", Name="Serf", Notes="")}


def instance(node, name):
    return dict(Node=dict(Node=node), Service=dict(ID=name, Service=NAME))


def out(reason):
    return dict(CHECKS, m=dict(CheckID="_service_maintenance:paas-esb-1", ServiceID="paas-esb-1", Node="a", Status="critical", Name="M", Notes=reason))


def picture(checks=None, passing=()):
    return consul.picture(NAME, SERVICES, checks or CHECKS, list(passing))


def test_this_hosts_own_instances_and_the_others():
    seen = picture(passing=[instance("a", "paas-esb-1"), instance("b", "paas-esb-2")])
    assert (seen.ids, seen.out, seen.failing, seen.others, seen.ours) == (["paas-esb-1"], {}, {}, 1, [])


def test_the_same_id_on_another_node_is_another_instance():
    assert picture(passing=[instance("a", "paas-esb-1"), instance("b", "paas-esb-1")]).others == 1
    assert picture(passing=[instance("a", "paas-esb-1")]).others == 0


@pytest.mark.parametrize("reason,ours", [("ding.blueking: the ESB is restarted", True), ("Maintenance mode is enabled", False), ("", False)])
def test_who_has_taken_it_out(reason, ours):
    seen = picture(out(reason))
    assert list(seen.out) == ["paas-esb-1"] and bool(seen.ours) is ours and seen.failing == {}


def test_a_check_that_fails():
    checks = dict(CHECKS)
    checks["service:paas-esb-1"] = dict(CHECKS["service:paas-esb-1"], Status="critical")
    assert picture(checks).failing == {"paas-esb-1": "TCP is critical"}


def test_a_host_without_the_service():
    assert consul.picture(NAME, {}, CHECKS, []).ids == []


def test_an_address_that_is_none():
    with pytest.raises(Problem, match="must look like http://host:port"):
        consul.Consul("127.0.0.1:8500", NAME)
