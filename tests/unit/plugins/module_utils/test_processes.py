# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""processes.py on a made-up /proc: who listens, who is a worker, who was there before."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import processes
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

PORT = 8002
HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
HOST_NETWORK = "net:[4026531992]"


class Proc:
    """A /proc to be filled: the host runs for 1000 s, now is 5000 s after 1970, a second has 100 ticks."""

    def __init__(self, folder):
        self.path = str(folder)
        folder.join("uptime").write("1000.00 900.00\n")
        folder.mkdir("net")
        os.makedirs(os.path.join(self.path, "self", "ns"))
        os.symlink(HOST_NETWORK, os.path.join(self.path, "self", "ns", "net"))
        self.folder = folder

    def process(self, pid, parent, ticks, program="/usr/bin/uwsgi", sockets=(), state="S", words=None, network=HOST_NETWORK, name="uwsgi"):
        place = self.folder.mkdir(str(pid))
        fields = [state, str(parent)] + ["0"] * 17 + [str(ticks)] + ["0"] * 5
        place.join("stat").write("%d (%s) %s\n" % (pid, name, " ".join(fields)))
        place.join("cmdline").write("\0".join(words or [program]) + "\0")
        os.symlink(program, str(place.join("exe")))
        place.mkdir("fd")
        for number, inode in enumerate(sockets):
            os.symlink("socket:[%s]" % inode, str(place.join("fd", str(number))))
        os.symlink("/dev/null", str(place.join("fd", "99")))
        os.mkdir(str(place.join("ns")))
        os.symlink(network, str(place.join("ns", "net")))
        return place

    def listen(self, inode, port=PORT, address="00000000", name="tcp", state="0A", net=None):
        path = (net or self.folder.join("net")).join(name)
        before = path.read() if path.check() else HEADER
        line = "   0: %s:%04X 00000000:0000 %s 00000000:00000000 00:00000000 00000000     0        0 %s 1 0 100 0 0 10 0\n"
        path.write(before + line % (address, port, state, inode))

    def serving(self, addresses=(), port=PORT):
        return processes.serving(port, addresses, proc=self.path, now=5000.0, ticks_per_second=100)


@pytest.fixture
def proc(tmpdir):
    return Proc(tmpdir.mkdir("proc"))


def shown(found):
    return [(each["pid"], each["worker"]) for each in found]


def test_a_prefork_server_has_a_master_and_workers(proc):
    proc.listen("700")
    proc.process(1, 0, 1, program="/usr/lib/systemd/systemd")
    proc.process(10, 1, 5000, sockets=["700"])
    proc.process(11, 10, 5100, sockets=["700", "701"])
    proc.process(12, 10, 5200, sockets=["700"])
    proc.process(20, 1, 10, program="/usr/sbin/sshd", sockets=["600"])
    found = proc.serving()
    assert shown(found) == [(10, False), (11, True), (12, True)]
    assert [each["started"] for each in found] == [4050.0, 4051.0, 4052.0]
    assert [each["ticks"] for each in found] == [5000, 5100, 5200]


def test_who_the_workers_are_is_seen_of_one_that_is_there(proc):
    found = [dict(pid=7, worker=False), dict(pid=8, worker=True), dict(pid=9, worker=True)]
    assert processes.owner(found, proc.path) is None
    proc.process(9, 7, 1)
    status = os.stat(os.path.join(proc.path, "9"))
    assert processes.owner(found, proc.path) == "%d:%d" % (status.st_uid, status.st_gid)
    assert processes.owner([], proc.path) is None


def test_uwsgis_workers_behind_its_http_router_hold_another_socket(proc):
    proc.listen("700")
    proc.process(10, 1, 5000, sockets=["700", "701"])
    proc.process(11, 10, 5100, sockets=["701"])
    proc.process(12, 10, 5101, sockets=["700"])
    proc.process(13, 10, 5102, program="/bin/sh")
    assert shown(proc.serving()) == [(10, False), (11, True), (12, True)]


def test_a_server_of_one_process_is_its_own_worker(proc):
    proc.listen("700")
    proc.process(10, 1, 5000, sockets=["700"])
    assert shown(proc.serving()) == [(10, True)]


def test_systemd_that_keeps_the_socket_is_not_the_server(proc):
    proc.listen("700")
    proc.process(1, 0, 1, program="/usr/lib/systemd/systemd", sockets=["700"])
    proc.process(10, 1, 5000, sockets=["700"])
    proc.process(11, 10, 5000, sockets=["700"])
    assert shown(proc.serving()) == [(10, False), (11, True)]


def test_dead_processes_and_strange_names_do_no_harm(proc):
    proc.listen("700")
    proc.process(10, 1, 5000, sockets=["700"], name="a) S 1 (b")
    proc.process(11, 10, 5000, sockets=["700"], state="Z")
    proc.folder.mkdir("12")
    proc.folder.mkdir("13").join("stat").write("13 (x) S")
    assert shown(proc.serving()) == [(10, True)]


@pytest.mark.parametrize("address,name,asked", [
    ("0100007F", "tcp", "127.0.0.1"),
    ("0000000000000000FFFF00000100007F", "tcp6", "127.0.0.1"),
    ("00000000000000000000000001000000", "tcp6", "::1"),
    ("00000000000000000000000000000000", "tcp6", "10.0.0.1"),
])
def test_the_listener_on_the_address_that_was_asked_for_is_taken(proc, address, name, asked):
    proc.listen("700", address=address, name=name)
    proc.listen("800", address="0500000A")
    proc.process(10, 1, 5000, sockets=["700"])
    proc.process(20, 1, 5000, sockets=["800"], program="/usr/bin/other")
    assert shown(proc.serving([asked])) == [(10, True)]


def test_a_listener_on_another_address_will_do_when_there_is_no_better_one(proc):
    proc.listen("800", address="0500000A")
    proc.process(20, 1, 5000, sockets=["800"])
    assert shown(proc.serving(["192.0.2.1"])) == [(20, True)]


def test_connections_and_other_ports_are_no_listeners(proc):
    proc.listen("700", state="01")
    proc.listen("701", port=8003)
    proc.process(10, 1, 5000, sockets=["700", "701"])
    assert proc.serving() == []


def test_a_proxy_leads_into_its_container(proc):
    proc.listen("600")
    proc.process(5, 1, 100, program="/usr/bin/docker-proxy", sockets=["600"], words=[
        "/usr/bin/docker-proxy", "-proto", "tcp", "-host-port", "8002", "-container-ip", "172.17.0.2", "-container-port", "80"])
    inside = proc.process(10, 4, 5000, sockets=["700"], network="net:[2]")
    proc.process(11, 10, 5001, sockets=["700"], network="net:[2]")
    other = proc.process(20, 4, 5000, sockets=["700"], network="net:[3]")
    for place, address in ((inside, "172.17.0.2"), (other, "172.17.0.20")):
        place.mkdir("net").join("fib_trie").write("Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- %s\n" % address)
        proc.listen("700", port=80, net=place.join("net"))
    assert shown(proc.serving()) == [(10, False), (11, True)]


def test_a_port_that_the_firewall_forwards_is_looked_for_in_containers(proc):
    inside = proc.process(10, 4, 5000, sockets=["700"], network="net:[2]")
    inside.mkdir("net")
    proc.listen("700", net=inside.join("net"))
    assert shown(proc.serving()) == [(10, True)]


def test_without_proc_or_the_right_to_see_it_there_is_a_sentence(proc, tmpdir, monkeypatch):
    with pytest.raises(Problem, match="cannot be seen: .* No such file"):
        processes.serving(PORT, proc=str(tmpdir.join("nowhere")))
    proc.listen("700")
    proc.process(10, 1, 5000, sockets=["700"])
    listdir = os.listdir

    def denied(path):
        if path.endswith("/fd"):
            raise OSError(13, "Permission denied")
        return listdir(path)

    monkeypatch.setattr(os, "listdir", denied)
    with pytest.raises(Problem, match="run this module as root"):
        proc.serving()


def process(pid, ticks, worker=True, started=0.0):
    return dict(pid=pid, ticks=ticks, worker=worker, started=started)


def test_left_over_are_workers_with_the_same_number_and_start():
    before = [process(10, 1, worker=False), process(11, 5), process(12, 5)]
    now = [process(10, 1, worker=False), process(11, 5), process(12, 9), process(13, 9)]
    assert [each["pid"] for each in processes.left_over(before, now)] == [11]


def test_a_worker_whose_master_was_killed_is_left_over_although_it_looks_like_a_master():
    assert processes.left_over([process(11, 5)], [process(11, 5, worker=False), process(20, 9)])


def test_a_master_may_be_older_than_the_files_and_a_worker_may_not():
    found = [process(10, 1, worker=False, started=100.0), process(11, 2, started=200.0), process(12, 3, started=400.0)]
    assert [each["pid"] for each in processes.older_than(300.0, found)] == [11]
    assert processes.older_than(None, found) == []
