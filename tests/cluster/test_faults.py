"""What goes wrong on real hosts: no host is left between two versions, the second is not touched, and a plain re-run completes."""

import contextlib
import shutil
import threading

import pytest

from clusterkit import engine, paas
from clusterkit.cluster import PAAS
from playkit.player import ROOT
from playkit.site import OUR_PATHS, difference

PACKAGE = ROOT / "files" / "components" / "ding_blueking"
TAKE, PLAN = "Common | Take the host", "Install | Plan the files"
PLACE, ROWS = "Install | Put package and block in place", "Configure | See whether rows would change"
OFFER = "Configure | Offer the message type"
# One point for each role, in the order in which an install comes to them.
POINTS = ["Preflight | Look at the host, its ESB, and what it can reach", "Backup | Back up the custom components and the channel's rows", PLACE,
          "Restart | Restart the ESB", "Register | Add the channels' rows, and see that they are there", "Configure | Store the channels' settings",
          "Verify | Ask the host for its health and the channel's version"]
OF_ITS_TIME = ("id", "created_time", "last_modified_time")
FULL, READ_ONLY = "components/generic", "components/generic/apis"


def parts(state, *names):
    return {name: state[name] for name in names or ("files", "rows", "users", "leases")}


def untouched(cluster, before, pids, names=PAAS):
    """Files, rows, users and leases are as before, no ESB of `names` was restarted, and all serve without the channel."""
    assert difference(parts(before), parts(cluster.state())) == []
    assert {name: cluster.paas[name].main_pid() for name in names} == {name: pids[name] for name in names}
    assert all(cluster.lists_ding(name) is None for name in PAAS)


def unnumbered(state):
    """Without our rows' numbers and times: MariaDB gives no number twice, not even that of an insert that was planned or killed."""
    rows = {table: [{name: value for name, value in row.items() if name not in OF_ITS_TIME or row.get("path") not in OUR_PATHS} for row in each]
            for table, each in state["rows"].items()}
    return {**parts(state, "files", "leases"), "rows": {table: sorted(each, key=repr) for table, each in rows.items()}}


def main_pids(cluster):
    return {name: cluster.paas[name].main_pid() for name in PAAS}


def completes(cluster, play, figure, what):
    """A plain re-run: the channel is as after an install that nothing has disturbed, and sends on both hosts."""
    run = play("install")
    assert run.rc == 0, repr(run)
    assert difference(unnumbered(cluster.kept_states["installed"]), unnumbered(cluster.state())) == []
    for name in PAAS:
        answer, arrived = cluster.sends(name, "after " + what)
        assert answer["result"] is True and len(arrived) == 1, answer
    figure("%s: a plain re-run completes in %.0f s" % (what, run.seconds))


@pytest.mark.usual
def test_a_package_that_raises_at_import_is_taken_back_from_the_first_host(virgin, play, figure, tmp_path):
    broken = tmp_path / "ding_blueking"
    shutil.copytree(PACKAGE, broken, ignore=shutil.ignore_patterns("__pycache__"))
    with open(broken / "send_ding.py", "a", encoding="utf-8") as component:
        component.write("\nraise RuntimeError('broken on purpose')\n")
    before, pids = virgin.state(), main_pids(virgin)
    run = play("install", extra={"ding_package_src": str(broken), "ding_health_timeout": 10})
    assert run.rc != 0
    untouched(virgin, before, pids, names=["paas2"])
    assert virgin.paas["paas1"].main_pid() != pids["paas1"]
    told = run.failures("paas1")[-1].msg
    for words in ("broken on purpose", "Its files are back", "Not touched: paas2"):
        assert words in told, told
    figure("a package that raises at import: exit code %d after %.0f s, paas1 back and serving, paas2 untouched" % (run.rc, run.seconds))


@pytest.mark.usual
@pytest.mark.timeout(600)
def test_a_controller_killed_in_each_role_is_gone_on_from(virgin, first_install, play, figure):
    """Each run goes on from what the killed one before has left behind, the last one completes."""
    virgin.back_to("virgin")
    seconds = 0
    for task in POINTS:
        run = play("install", fault=(task, "paas1", 1, "kill"))
        assert run.rc == -9, "%s: %r" % (task, run)
        seconds += run.seconds
    completes(virgin, play, figure, "kill -9 of the controller in each of %d roles, one run after the other (%.0f s)" % (len(POINTS), seconds))


@pytest.mark.timeout(400)
@pytest.mark.parametrize("playbook,task", [("rollback", "Rollback | Bring the files back"), ("uninstall", "Install | Take the files away")])
def test_a_controller_killed_on_the_way_back_is_gone_on_from(installed, play, figure, playbook, task):
    extra = {"ding_backup": "pristine", "ding_confirm": True}
    killed = play(playbook, extra=extra, fault=(task, "paas1", 1, "kill"))
    assert killed.rc == -9, repr(killed)
    run = play(playbook, extra=extra)
    assert run.rc == 0, repr(run)
    assert difference(parts(installed.kept_states["virgin"], "files", "rows", "leases"), parts(installed.state(), "files", "rows", "leases")) == []
    assert all(installed.lists_ding(name) is None for name in PAAS)
    figure("kill -9 of the controller in %s: a re-run completes it in %.0f s" % (playbook, run.seconds))


@pytest.mark.usual
def test_after_ssh_was_cut_behind_the_change_of_the_files_a_re_run_completes(virgin, first_install, play, figure):
    virgin.back_to("virgin")
    host = virgin.containers["paas1"]
    pids = main_pids(virgin)
    cut = ["podman", "exec", host.name, "sh", "-c", "systemctl stop ssh.service ssh.socket; pkill -KILL -x sshd; true"]
    run = play("install", fault=(PLACE, "paas1", 1, cut))
    assert run.rc != 0 and run.recap["paas1"]["unreachable"], repr(run)
    assert main_pids(virgin) == pids and virgin.lists_ding("paas2") is None
    assert difference(virgin.kept_states["virgin"]["files"]["paas2"], virgin.state()["files"]["paas2"]) == []
    host("systemctl", "start", "ssh.service")
    completes(virgin, play, figure, "ssh cut in the middle of install")


@contextlib.contextmanager
def small_disk(cluster, name):
    """The components' folder on a file system of its own, in which there is almost no room left."""
    run, folder = cluster.containers[name], "%s/%s" % (paas.ESB, FULL)
    size = int(run("du", "-sk", folder).split()[0])
    cluster.paas[name].stop()
    run.shell("cp -a %s /var/kept/generic" % folder)
    run.mount("mount", "-t", "tmpfs", "-o", "size=%dk,mode=0755" % (size + 100), "tmpfs", folder)
    try:
        run.shell("cp -a /var/kept/generic/. %s; rm -r /var/kept/generic" % folder)
        cluster.paas[name].start()
        yield
    finally:
        cluster.paas[name].stop()
        run.mount("umount", folder)
        cluster.paas[name].start()


@pytest.mark.usual
def test_a_full_disk_is_found_before_the_first_change(virgin, play, figure):
    before = virgin.state()
    with small_disk(virgin, "paas2"):
        here, pids = virgin.state(), main_pids(virgin)
        run = play("install")
        assert run.rc != 0
        untouched(virgin, here, pids)
    told = run.failures("paas2")[-1].msg
    assert "MB" in told and "nothing was changed" in told, told
    assert difference(before["rows"], virgin.state()["rows"]) == []
    figure("disk full on paas2: the preflight ends the run after %.0f s, no host changed" % run.seconds)


def test_a_disk_that_fills_up_on_the_way_leaves_the_host_as_it_was(virgin, play, figure):
    with small_disk(virgin, "paas1"):
        before, pids = virgin.state(), main_pids(virgin)
        run = play("install", extra={"ding_space_mb": 0})
        assert run.rc != 0
        untouched(virgin, before, pids, names=["paas2"])
    told = run.failures("paas1")[-1].msg
    assert "No space left" in told and "Not touched: paas2" in told, told
    figure("disk full while the package is written: exit code %d, paas1 as before, paas2 untouched" % run.rc)


@pytest.mark.usual
def test_a_read_only_apis_folder_is_found_before_the_first_change(virgin, play, figure):
    run, folder = virgin.containers["paas1"], "%s/%s" % (paas.ESB, READ_ONLY)
    before, pids = virgin.state(), main_pids(virgin)
    run.mount("mount", "--bind", folder, folder)
    try:
        run.mount("mount", "-o", "remount,bind,ro", folder)
        failed = play("install")
        assert failed.rc != 0
        untouched(virgin, before, pids)
    finally:
        run.mount("umount", folder)
    told = failed.failures("paas1")[-1].msg
    assert folder in told, told
    figure("read-only apis folder: exit code %d after %.0f s, no host changed" % (failed.rc, failed.seconds))


@pytest.mark.usual
def test_a_database_that_goes_down_during_register_leaves_the_message_type_off(virgin, first_install, play, figure):
    virgin.back_to("virgin")
    data = virgin.containers["data"]
    run = play("install", fault=(ROWS, "paas1", 1, ["podman", "exec", data.name, "systemctl", "stop", "mariadb.service"]))
    assert run.rc != 0
    told = run.failures("paas1")[-1].msg
    assert "Mend it, then run this again" in told, told
    data("systemctl", "start", "mariadb.service")
    assert difference(virgin.kept_states["virgin"]["rows"], virgin.state()["rows"]) == []
    assert [virgin.lists_ding(name) for name in PAAS] == [False, False] and virgin.state()["leases"] == {}
    completes(virgin, play, figure, "database down during register")


@pytest.mark.usual
def test_an_unreachable_dingtalk_ends_the_run_before_the_first_change(virgin, play, figure):
    before, pids = virgin.state(), main_pids(virgin)
    virgin.containers["services"]("systemctl", "stop", "dingtalk.service")
    run = play("install")
    assert run.rc != 0
    untouched(virgin, before, pids)
    told = run.failures("paas1")[-1].msg
    assert virgin.inner(8010) in told and "nothing was changed" in told, told
    figure("DingTalk unreachable: the preflight ends the run after %.0f s, no host changed" % run.seconds)


def test_a_dingtalk_that_goes_away_before_the_test_message_fails_the_run_and_keeps_the_install(virgin, first_install, play, figure):
    virgin.back_to("virgin")
    services = virgin.containers["services"]
    run = play("install", fault=(OFFER, "paas1", 1, ["podman", "exec", services.name, "systemctl", "stop", "dingtalk.service"]))
    assert run.rc != 0 and run.of("Common | Say what was done, and what remains", "paas1")
    services("systemctl", "start", "dingtalk.service")
    assert difference(unnumbered(virgin.kept_states["installed"]), unnumbered(virgin.state())) == []
    again = play("verify")
    assert again.rc == 0, repr(again)
    figure("DingTalk gone before the test message: exit code %d, the install stays, and verify.yml is good later" % run.rc)


@pytest.mark.usual
def test_the_second_of_two_operators_is_told_of_the_first_and_damages_nothing(virgin, first_install, play, figure, tmp_path):
    virgin.back_to("virgin")
    flag, first = tmp_path / "go on", {}
    hold = ["timeout", "100", "sh", "-c", "until [ -e '%s' ]; do sleep 0.1; done" % flag]

    def run_first():
        first["run"] = play("install", extra={"ding_operator": "first-operator"}, fault=(PLAN, "paas1", 1, hold))
    thread = threading.Thread(target=run_first)
    thread.start()
    try:
        engine.wait_for(lambda: len(virgin.state()["leases"]) == 2, 90, "the first operator's run does not take the hosts")
        second = play("install", extra={"ding_operator": "second-operator"})
    finally:
        flag.touch()
        thread.join(240)
    assert second.rc != 0
    told = second.failures("paas1")[0].msg
    assert "first-operator" in told, told
    assert first["run"].rc == 0, repr(first["run"])
    assert difference(unnumbered(virgin.kept_states["installed"]), unnumbered(virgin.state())) == []
    figure("two operators at once: the second ends with exit code %d after %.0f s, told of the first, whose install completes" % (second.rc, second.seconds))
