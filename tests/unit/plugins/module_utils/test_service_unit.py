# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""service_unit.py: the unit's text on a host and around a container, for systemd old and new."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import service_unit
from ansible_collections.ding.blueking.plugins.module_utils.service_unit import Place

SCRIPT = "/data/bkce/open_paas/esb/components/generic/apis/ding_blueking/_service.py"
ENVIRONMENT = dict(BK_ENV="production", BK_FILE_PATH="/data/bkce/open_paas/cert/saas_priv.txt", PAAS_LOGGING_DIR="/data/bkce/logs/open_paas")
HOST = Place(ENVIRONMENT, ["/data/bkce/.envs/open_paas-esb/bin/python"], SCRIPT, "blueking", "blueking")
INSIDE = Place(ENVIRONMENT, ["python"], SCRIPT, engine=["/usr/bin/docker", "bk-paas-esb"], owner="1000:1001")
OPTIONS = ("--env BK_ENV=production --env BK_FILE_PATH=/data/bkce/open_paas/cert/saas_priv.txt --env PAAS_LOGGING_DIR=/data/bkce/logs/open_paas "
           "--user 1000:1001")


def lines(place, esb_unit="bk-paas-esb.service", target="bk-paas.target", version=252):
    return service_unit.text(place, "bk-paas-esb-ding.service", esb_unit, target, version).splitlines()


def test_on_a_host_it_is_the_esbs_user_python_and_environment():
    found = lines(HOST)
    for line in ("User=blueking", "Group=blueking", "Environment=BK_ENV=production", "Environment=PAAS_LOGGING_DIR=/data/bkce/logs/open_paas",
                 "Environment=BK_FILE_PATH=/data/bkce/open_paas/cert/saas_priv.txt",
                 "ExecStart=/data/bkce/.envs/open_paas-esb/bin/python -B " + SCRIPT,
                 "Restart=always", "RestartSec=1", "StartLimitInterval=0", "SuccessExitStatus=75", "MemoryMax=512M"):
        assert found.count(line) == 1, line
    assert not [line for line in found if "docker" in line or line.startswith(("ExecStop", "ExecStartPre", "RestartPrevent"))]


def test_it_belongs_to_the_platforms_target_where_there_is_one():
    found = lines(HOST)
    assert [found.count(line) for line in ("After=network.target bk-paas-esb.service", "PartOf=bk-paas.target", "WantedBy=bk-paas.target")] == [1, 1, 1]
    found = lines(HOST, "", "")
    assert [found.count(line) for line in ("After=network.target", "WantedBy=multi-user.target")] == [1, 1]
    assert not [line for line in found if "bk-paas" in line and "=bk-paas" in line]


def test_in_a_container_it_is_entered_and_what_it_left_is_ended_before_and_after():
    found = lines(INSIDE)
    entered = "/usr/bin/docker exec %s bk-paas-esb python -B " % OPTIONS
    end = entered + SCRIPT.replace("_service.py", "_service_stop.py")
    assert [found.count(line) for line in ("ExecStart=" + entered + SCRIPT, "ExecStartPre=-" + end, "ExecStop=-" + end)] == [1, 1, 1]
    assert not [line for line in found if line.startswith(("User=", "Environment="))]


@pytest.mark.parametrize("version,name", [(219, "MemoryLimit"), (230, "MemoryLimit"), (231, "MemoryMax"), (257, "MemoryMax")])
def test_an_old_systemd_gets_the_limit_that_it_knows(version, name):
    assert [line for line in lines(HOST, version=version) if line.startswith("Memory")] == [name + "=512M"]


@pytest.mark.parametrize("word,written", [
    ("/a/b-c_d.e:f", "/a/b-c_d.e:f"), ("/a b", '"/a b"'), ("50%", '"50%%"'), ("$HOME", '"$$HOME"'), ('a"b', '"a\\"b"'), ("a\\b", '"a\\\\b"'), ("", '""')])
def test_words_are_written_so_that_systemd_reads_them_back(word, written):
    assert service_unit.quoted(word) == written


def test_a_dollar_is_itself_in_a_variables_value():
    place = Place(dict(ENVIRONMENT, PAAS_LOGGING_DIR="/logs/$x"), ["/bin/python"], SCRIPT, "blueking", "blueking")
    assert 'Environment="PAAS_LOGGING_DIR=/logs/$x"' in lines(place)


def test_the_same_command_can_be_run_by_hand():
    assert HOST.words()[0] == "env" and HOST.words()[-3:] == ["/data/bkce/.envs/open_paas-esb/bin/python", "-B", SCRIPT]
    assert INSIDE.words()[:2] == ["/usr/bin/docker", "exec"] and INSIDE.words()[-4:] == ["bk-paas-esb", "python", "-B", SCRIPT]


@pytest.mark.parametrize("found,ours", [(None, False), ("", False), ("[Unit]\n", False), (service_unit.MARK + ", which\n[Unit]", True)])
def test_a_unit_is_ours_by_its_first_line(found, ours):
    assert service_unit.is_ours(found) == ours
