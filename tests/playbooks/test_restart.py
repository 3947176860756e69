"""roles/restart: systemd and container, restart and graceful re-load, the drain, the site's own command. With stand-ins that run real ESBs."""

import os

import pytest
import yaml

from standins import network
from standins.consul import SERVICE, Agent
from standins.services import Client, Machine

HOST = "paas1"
UNIT, CONTAINER = "bk-paas-esb.service", "bk-paas-esb"
SECRET = "restart-test-app-secret-not-real"
DRAIN = ["Restart | Take the host out of Consul", "Restart | Restart the ESB", "Restart | Put the host back into Consul"]
CHECKS = ["processes", "ping", "healthz"]


@pytest.fixture
def machine(virgin, tmp_path):
    found = Machine(virgin, tmp_path)
    yield found
    found.end()


@pytest.fixture
def consul():
    with Agent() as agent:
        yield agent


@pytest.fixture
def restart(play, site, machine, tmp_path):
    """restart(port, **variables) -> Run of a playbook: preflight's look, then the role, and once more when it fails and `twice` is set."""
    def run(port, consul=None, twice=False, check=False, verbosity=0, fault=None, **variables):
        paas = site.world.host(HOST)
        look = {"bk_home": str(paas.bk_home), "url": "http://127.0.0.1:%d" % port, "dingtalk_urls": [], "space_mb": 1, "src_home": str(paas.src_home),
                "backup_dir": str(tmp_path), "service_mode": "external",
                "restart_mode": "{{ ding_restart_mode }}", "restart_command": "{{ ding_restart_command }}",
                "runtime": "{{ ding_esb_runtime }}", "drain": "{{ ding_drain }}", "consul_url": "{{ ding_consul_url }}",
                "consul_token": "{{ ding_consul_token }}", "unit": "{{ ding_esb_unit }}", "container": "{{ ding_esb_container }}"}
        include = {"name": "Restart", "ansible.builtin.include_role": {"name": "ding.blueking.restart"}}
        tasks = [{"name": "Look", "ding.blueking.esb_preflight": look, "register": "ding_preflight"},
                 {"name": "Stop at problems", "ansible.builtin.fail": {"msg": "{{ ding_preflight.problems }}"},
                  "when": "ding_preflight.problems | length > 0"},
                 {"name": "Both", "block": [include], "rescue": [
                     {"name": "Bring back", "ansible.builtin.include_role": {"name": "ding.blueking.restart"}}]} if twice else include]
        playbook = tmp_path / "restart.yml"
        playbook.write_text(yaml.safe_dump([{"name": "Restart", "hosts": HOST, "gather_facts": False, "tasks": tasks}]), "utf-8")
        extra = {"ding_esb_port": port, "ding_esb_runtime": "systemd", "ding_restart_mode": "restart", "ding_restart_command": [], "ding_drain": False,
                 "ding_esb_unit": UNIT, "ding_esb_container": CONTAINER,
                 "ding_consul_url": consul.url if consul else "http://127.0.0.1:9", "ding_consul_token": "", "ding_drain_seconds": 1,
                 "ding_gate_checks": CHECKS, "ding_health_timeout": 30, "ding_healthz_before": "{{ ding_preflight.facts.healthz }}",
                 "ding_esb_app_secret": SECRET, **variables}
        return play(str(playbook), extra=extra, check=check, verbosity=verbosity, fault=fault,
                    environment={"PATH": machine.path(os.pathsep.join([str(play.bin), "/usr/sbin", "/usr/bin", "/sbin", "/bin"]))})
    return run


def ended_well(run):
    assert run.rc == 0 and not run.failures(), run
    gate = run.of("Restart | Wait until new workers serve, as healthy as before", HOST)[-1].data
    assert gate["healthy"] and DRAIN[1] in run.changed(HOST)


def fault(run):
    assert run.rc != 0, run
    return run.failures(HOST)[-1].msg


# --- restart and graceful ---------------------------------------------------------------------------------------------

@pytest.mark.every_target
def test_a_unit_is_restarted_while_the_host_is_out_of_consul(machine, restart, consul):
    """Also the control for the graceful tests: whoever asks this host all the same, 20 times a second, is refused."""
    port = machine.serve(UNIT)
    before = machine.family(UNIT)
    consul.failing = 2
    with Client(port) as client:
        run = restart(port, consul, ding_drain=True, ding_drain_seconds=4)
        ended_well(run)
    assert machine.calls() == [["restart", UNIT]]
    after = machine.family(UNIT)
    assert len(after) == 3 and not set(before.items()) & set(after.items())
    assert client.faults, "not one of %d requests was refused" % client.answers
    (out, instance, enabled, reason), (back, same, again, _) = consul.puts
    assert (instance, same, enabled, again) == (consul.instance, consul.instance, True, False) and reason.startswith("ding.blueking: ")
    assert run.changed(HOST) == DRAIN and not consul.out
    assert back - out > 4 and consul.failing == 0, "nginx had no time to see it, or the next host would have been drained too early"


@pytest.mark.parametrize("server, reloads", [("sync", False), ("gthread", True), ("uwsgi", False)])
def test_a_unit_reloads_without_refusing_anybody(machine, restart, server, reloads):
    port = machine.serve(UNIT, server=server, reloads=reloads)
    before = machine.family(UNIT)
    master = machine.service(UNIT).data["pid"]
    with Client(port) as client:
        began = client.answers
        ended_well(restart(port, ding_restart_mode="graceful"))
        assert client.answers > began + 20
    assert machine.calls() == [["reload", UNIT] if reloads else ["kill", "--signal=HUP", "--kill-who=main", UNIT]]
    after = machine.family(UNIT)
    # An old worker may still be ending: that the new ones serve is what the gate has seen.
    assert after[master] == before[master] and set(after.items()) - set(before.items())
    assert client.faults == []


def test_graceful_is_refused_where_sighup_would_end_the_service(site, play, machine, tmp_path):
    """uWSGI without a master, and servers whose unit starts them through a program that stays: all lose their service at SIGHUP."""
    def alone(words):
        words = [word for word in words if word not in ("--master", "--lazy-apps", "--no-orphans")]
        del words[words.index("--processes"):words.index("--processes") + 2]
        return words

    def below_a_shell(words):
        return ["/bin/sh", "-c", '"$@"; true', "sh", *words]

    paas, tasks = site.world.host(HOST), []
    for name, server, words in (("alone.service", "uwsgi", alone), ("shell.service", "sync", below_a_shell), ("good.service", "sync", None)):
        port = machine.serve(name, server=server, words=words)
        tasks.append({"name": name, "ding.blueking.esb_preflight": {
            "bk_home": str(paas.bk_home), "url": "http://127.0.0.1:%d" % port, "dingtalk_urls": [], "space_mb": 1, "src_home": str(paas.src_home),
            "backup_dir": str(tmp_path), "service_mode": "external", "runtime": "systemd", "unit": name, "restart_mode": "graceful"}})
    playbook = tmp_path / "look.yml"
    playbook.write_text(yaml.safe_dump([{"name": "Look", "hosts": HOST, "gather_facts": False, "tasks": tasks}]), "utf-8")
    run = play(str(playbook), environment={"PATH": machine.path(os.pathsep.join([str(play.bin), "/usr/sbin", "/usr/bin", "/sbin", "/bin"]))})
    found = {step.name: step.data["problems"] for step in run.steps}
    assert found["good.service"] == [] and [len(found[name]) for name in ("alone.service", "shell.service")] == [1, 1]
    assert "without a master process" in found["alone.service"][0]["what"] and "is not the master" in found["shell.service"][0]["what"]
    assert all("ding_restart_mode=restart" in problems[0]["remedy"] for problems in found.values() if problems)


def test_a_command_that_fails_is_named_with_its_code_and_its_last_words(machine, restart, consul):
    port = machine.serve(UNIT, fails=1, says="long ago " * 100 + "\nJob for it failed, and %s is the secret" % SECRET)
    before = machine.family(UNIT)
    run = restart(port, consul, verbosity=2, ding_drain=True)
    said = fault(run)
    assert said.startswith('The ESB was not restarted: "systemctl restart %s" ended with 5: ...' % UNIT) and len(said) < 1000
    assert "long ago / Job for it failed, and (hidden) is the secret. More is in" in said
    assert "journalctl -n 50 -u " + UNIT in said and SECRET not in run.stdout
    assert machine.family(UNIT) == before
    assert [put[2] for put in consul.puts] == [True, False] and not consul.out


def test_an_esb_that_does_not_come_up_and_its_being_brought_back(machine, restart, consul):
    """First the gate stays shut and the host stays drained; then it comes back, and only then nginx may use it again."""
    port = machine.serve(UNIT, stops=1)
    run = restart(port, consul, twice=True, ding_drain=True, ding_drained_until_back=True, ding_health_timeout=3)
    assert run.rc == 0, run
    shut = run.failures(HOST)[-1].msg
    assert "is not well after waiting for 3 s. processes: no process listens" in shut and "journalctl" in shut
    assert machine.calls() == [["restart", UNIT]] * 2 and machine.service(UNIT).runs
    assert [put[2] for put in consul.puts] == [True, False]
    assert [step.name for step in run.steps if step.name in DRAIN and step.changed] == [DRAIN[0], DRAIN[1], DRAIN[1], DRAIN[2]]


def test_a_host_is_put_back_into_consul_when_it_cannot_be_brought_back_either(machine, restart, consul):
    port = machine.serve(UNIT, stops=2)
    run = restart(port, consul, twice=True, ding_drain=True, ding_health_timeout=2)
    assert run.rc != 0 and "no process listens" in fault(run)
    assert [put[2] for put in consul.puts][-1] is False and not consul.out


@pytest.mark.whole
def test_a_reload_that_fails_is_followed_by_a_restart_in_earnest(machine, restart):
    """Files younger than the workers shut the gate for ever where SIGHUP re-loads nothing."""
    def deaf(words):
        return [*words, "--config", str(machine.folder / "deaf.py")]

    (machine.folder / "deaf.py").write_text("import signal\ndef when_ready(server):\n    signal.signal(signal.SIGHUP, signal.SIG_IGN)\n", "utf-8")
    port = machine.serve(UNIT, words=deaf)
    run = restart(port, twice=True, ding_restart_mode="graceful", ding_health_timeout=3)
    assert run.rc == 0, run
    assert "still running from before" in run.failures(HOST)[-1].msg
    assert machine.calls() == [["kill", "--signal=HUP", "--kill-who=main", UNIT], ["restart", UNIT]]


# --- drain ------------------------------------------------------------------------------------------------------------

def test_what_is_not_drained(play, tmp_path):
    """The last host that serves, what somebody else took out, and whatever Consul does not let us."""
    with Agent(others=()) as last, Agent() as other, Agent(token="consul-token-not-real") as closed, Agent() as broken:
        other.out[other.instance], broken.broken = "maintenance of the disk", True
        cases = [("last", {"consul_url": last.url}), ("theirs", {"consul_url": other.url}),
                 ("theirs back", {"consul_url": other.url, "state": "serving"}), ("unknown", {"consul_url": other.url, "service": "paas-none"}),
                 ("nobody", {"consul_url": "http://127.0.0.1:9"}), ("broken", {"consul_url": broken.url}), ("refused", {"consul_url": closed.url}),
                 ("wrong", {"consul_url": closed.url, "consul_token": "another-token-not-real"}),
                 ("let in", {"consul_url": closed.url, "consul_token": closed.token}), ("twice", {"consul_url": closed.url, "consul_token": closed.token})]
        playbook = tmp_path / "drain.yml"
        playbook.write_text(yaml.safe_dump([{"name": "Drain", "hosts": HOST, "gather_facts": False, "tasks": [
            {"name": name, "ding.blueking.esb_drain": dict(args, wait=0), "ignore_errors": True} for name, args in cases]}]), "utf-8")
        run = play(str(playbook), verbosity=3)
        assert last.puts == other.puts == [] and len(closed.puts) == 1 and other.out
    ends = {step.name: step for step in run.steps}
    assert run.changed(HOST) == ["let in"] and ends["twice"].data["drained"] and ends["theirs"].data["drained"]
    assert not ends["last"].data["drained"] and "no other host serves %s now" % SERVICE in " ".join(ends["last"].data["warnings"])
    for name, text in (("unknown", "has no service paas-none"), ("nobody", "cannot be reached"), ("broken", "HTTP 500"), ("refused", "wants a token"),
                       ("wrong", "wants a token")):
        assert ends[name].outcome == "failed" and text in ends[name].msg, ends[name]
    assert closed.token not in run.stdout and "another-token" not in run.stdout


def test_what_a_killed_run_left_drained_is_put_back_by_the_next(machine, restart, consul):
    """Also by one that is not to drain anything itself."""
    port = machine.serve(UNIT)
    killed = restart(port, consul, ding_drain=True, fault=(DRAIN[0], HOST, 1, "kill"))
    assert killed.rc != 0 and consul.out and machine.calls() == []
    run = restart(port, consul)
    ended_well(run)
    look = run.of("Look")[0].data
    assert look["facts"]["drained"] and "left this host out of Consul" in str(look["warnings_found"])
    assert [put[1:3] for put in consul.puts] == [(consul.instance, True), (consul.instance, False)] and not consul.out


# --- check mode, command, container -----------------------------------------------------------------------------------

def test_check_mode_runs_nothing_and_predicts_the_change(machine, restart, consul):
    port = machine.serve(UNIT)
    before = machine.family(UNIT)
    run = restart(port, consul, check=True, ding_drain=True, ding_drain_seconds=60, ding_health_timeout=60)
    assert run.rc == 0 and run.changed(HOST) == ["Restart | Say what would be run"], run
    assert run.of("Restart | Say what would be run")[0].msg == "Would run: systemctl restart " + UNIT
    assert machine.family(UNIT) == before and machine.calls() == [] and consul.puts == [] and run.seconds < 40


def test_the_sites_own_command(machine, restart, consul):
    """Also as one text, which is split at blanks; and one that hangs is stopped, and the host is no longer drained."""
    port = machine.serve(UNIT)
    ended_well(restart(port, ding_restart_mode="command", ding_restart_command="%s restart %s" % (machine.bin / "systemctl", UNIT)))
    assert machine.calls() == [["restart", UNIT]]
    sleeps = restart(port, consul, ding_esb_runtime="command", ding_restart_command=["sleep", "500"], ding_restart_timeout=2, ding_drain=True)
    assert '"sleep 500" did not end within 2 s and was stopped: it printed nothing. More is in' in fault(sleeps)
    assert not consul.out and len(consul.puts) == 2


def test_a_container_is_restarted_and_reloaded(machine, restart):
    inner = machine.folder / "bkce"
    port = machine.serve(CONTAINER, server="uwsgi", inner=inner)
    looked = restart(port, ding_esb_runtime="docker")
    ended_well(looked)
    facts = looked.of("Look")[0].data["facts"]
    assert facts["esb_inner_home"] == str(inner / "open_paas" / "esb") and facts["esb_python"] == ["docker", "exec", "-i", CONTAINER, "python"]
    before = machine.family(CONTAINER)
    with Client(port) as client:
        ended_well(restart(port, ding_esb_runtime="docker", ding_restart_mode="graceful"))
    assert client.faults == [] and client.answers > 20
    assert machine.calls() == [["restart", CONTAINER], ["kill", "--signal", "HUP", CONTAINER]]
    assert set(before.items()) - set(machine.family(CONTAINER).items())


@pytest.mark.whole
def test_a_container_with_a_network_of_its_own_is_seen_through_its_proxy(machine, restart):
    """The host's port is the proxy's, which no restart changes; the workers listen in another namespace."""
    reason = network.problem()
    if reason:
        pytest.skip(reason)
    with network.Network() as own:
        port = machine.serve(CONTAINER, words=own.words)
        before = machine.family(CONTAINER)
        run = restart(port, ding_esb_runtime="docker", ding_restart_mode="graceful")
        ended_well(run)
        after = machine.family(CONTAINER)
        gate = run.of("Restart | Wait until new workers serve, as healthy as before", HOST)[-1].data
        assert {each["pid"] for each in gate["processes"]} <= set(after) | set(before) and set(after.items()) - set(before.items())
        machine.behave(CONTAINER, stops=1)
        shut = restart(port, ding_esb_runtime="docker", ding_health_timeout=2)
        assert "no process listens" in fault(shut) and "docker logs --tail 50 " + CONTAINER in fault(shut)
