"""The service beside an ESB in a container (a stand-in engine): entered by its unit, and never left behind in it."""

import os
import signal
from pathlib import Path

import pytest

from playkit.kept import Kept, keepers_aside, unit, until
from sandbox import processes
from standins.services import Machine

HOST, CONTAINER = "paas1", "bk-paas-esb-paas1"


@pytest.fixture(scope="module")
def kept(site, play, tmp_path_factory):
    """paas1 in a container that sees the host's home under another path, with the channel installed there."""
    site.virgin()
    machine = Machine(site, tmp_path_factory.mktemp("container"))
    with keepers_aside(site):
        try:
            port = machine.serve(CONTAINER, host=HOST, inner=machine.folder / ("inside-" + HOST))
            found = Kept(site, play, machine, {HOST: {
                "ding_esb_port": port, "ding_esb_runtime": "docker", "ding_restart_mode": "restart", "ding_esb_container": CONTAINER,
                "ding_esb_inner_home": "{{ (ding_preflight | default({})).facts.esb_inner_home | default(ding_esb_home, true) }}"}})
            found.run_of_install = found.run("install", limit=HOST)
            yield found
        finally:
            machine.end()
    site.virgin()


@pytest.fixture(autouse=True)
def one_service(kept):
    assert kept.run_of_install.rc == 0, kept.run_of_install
    until(lambda: kept.beat(HOST) and len(kept.services(HOST)) == 1)


def other_than(kept, pid):
    until(lambda: kept.beat(HOST).get("pid") not in (None, pid) and len(kept.services(HOST)) == 1)


def test_the_unit_enters_the_container_as_its_workers(kept):
    text = (kept.machine.units / unit(HOST)).read_text("utf-8")
    owner = "%d:%d" % (os.geteuid(), os.getegid())
    assert "ExecStart=%s exec --env BK_ENV=production" % (kept.machine.bin / "docker") in text and "--user %s %s python -B" % (owner, CONTAINER) in text
    table = kept.run_of_install.of("Verify | Show what works, and fail when something does not", HOST)[0].msg
    assert "service | ok | version 1.0.0 runs" in table
    again = kept.run("install", limit=HOST)
    assert again.rc == 0 and again.total("changed") == 0, again.changed()


def test_it_starts_again_with_the_container(kept):
    pid = kept.beat(HOST)["pid"]
    kept.machine.service(CONTAINER).restart()
    other_than(kept, pid)
    assert processes.start_time(pid) is None


def test_a_client_that_is_killed_leaves_no_second_service(kept):
    pid = kept.beat(HOST)["pid"]
    client = int(Path("/proc/%d/stat" % pid).read_text("utf-8").rpartition(")")[2].split()[1])
    os.kill(client, signal.SIGKILL)
    other_than(kept, pid)


def test_a_stop_reaches_it_and_an_uninstall_leaves_no_process(kept):
    service = kept.machine.unit(unit(HOST))
    service.stop()
    assert kept.services(HOST) == []
    service.start()
    until(lambda: kept.beat(HOST))
    run = kept.run("uninstall", limit=HOST)
    assert run.rc == 0 and kept.services(HOST) == [] and kept.machine.unit(unit(HOST)) is None, run
    assert list(kept.machine.units.iterdir()) == [] and not kept.folder(HOST).exists()
    kept.run_of_install = kept.run("install", limit=HOST)
