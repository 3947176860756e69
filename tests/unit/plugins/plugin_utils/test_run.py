# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Runs of playbooks, told apart by their processes."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import multiprocessing
import os
import socket
import subprocess
import sys
import time

import pytest

from ansible_collections.ding.blueking.plugins.plugin_utils import run


def name_of(process):
    return "%s/%d/%d" % (run.current().split("/")[0], process.pid, run._started(process.pid))


def test_a_run_that_is_at_work_has_not_ended():
    assert not run.ended(run.current())


def test_a_run_whose_process_is_gone_has_ended():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = name_of(process)
    assert not run.ended(name)
    process.communicate(b"\n", timeout=20)
    assert run.ended(name)


def test_a_number_that_was_given_to_another_process_is_no_sign_of_life():
    host, pid, ticks = run.current().split("/")
    assert run.ended("/".join([host, pid, str(int(ticks) + 1)]))


def test_nobody_can_say_it_of_a_run_on_another_controller_or_of_another_name():
    assert not run.ended("elsewhere/1/1")
    assert not run.ended("0d3f1c5e")
    assert not run.ended("%s/x/y" % run.current().split("/")[0])


@pytest.mark.parametrize("what", ["/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"])
def test_another_machine_or_container_of_the_same_name_is_another_controller(monkeypatch, what):
    dead = "%s/%d/%d" % (run.current().split("/")[0], os.getpid(), 1)
    assert run.ended(dead)
    real_open, real_link = open, os.readlink
    if what.endswith("boot_id"):
        monkeypatch.setattr(run, "open", lambda path, mode: io.BytesIO(b"another-boot") if path == what else real_open(path, mode), raising=False)
    else:
        monkeypatch.setattr(os, "readlink", lambda path: "pid:[1]" if path == what else real_link(path))
    assert run.current().startswith(socket.gethostname() + "-") and not run.ended(dead)


def test_all_workers_of_a_run_have_the_same_name():
    receiver, sender = multiprocessing.get_context("fork").Pipe(duplex=False)
    worker = multiprocessing.get_context("fork").Process(target=lambda: sender.send(run.current()))
    worker.start()
    assert receiver.poll(20)
    assert receiver.recv() == run.current()
    worker.join(20)


def test_the_time_of_a_run_is_that_of_its_process():
    began = time.mktime(time.strptime(run.began(), run.BACKUP_NAME)) - time.timezone
    assert 0 <= time.time() - began < 24 * 3600
    assert run.began() == run.began()
