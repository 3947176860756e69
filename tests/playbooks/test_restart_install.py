"""install.yml on a platform whose ESBs run in containers (a stand-in engine), each host drained in Consul for its restart."""

import os

import pytest
import yaml

from playkit.site import difference
from standins.consul import Agent
from standins.services import Machine

HOSTS = ("paas1", "paas2")


class Platform:
    """Both hosts' ESBs again, as containers that see the host's home under another path, and an agent of Consul beside each."""

    def __init__(self, site, play, machine, agents):
        self.site, self.play, self.machine, self.agents = site, play, machine, agents
        hosts = {}
        for name in HOSTS:
            port = machine.serve(self.container(name), host=name, inner=machine.folder / ("inside-" + name))
            hosts[name] = {
                "ding_esb_port": port, "ding_esb_runtime": "docker", "ding_restart_mode": "restart", "ding_esb_container": self.container(name),
                "ding_drain": True, "ding_drain_seconds": 1, "ding_consul_url": agents[name].url, "ding_health_timeout": 30,
                "ding_esb_inner_home": "{{ (ding_preflight | default({})).facts.esb_inner_home | default(ding_esb_home, true) }}"}
        self.inventory = machine.folder / "containers.yml"
        self.inventory.write_text(yaml.safe_dump({"paas": {"hosts": hosts}}), "utf-8")

    def container(self, host):
        return "bk-paas-esb-" + host

    def install(self, **more):
        path = self.machine.path(os.pathsep.join([str(self.play.bin), "/usr/sbin", "/usr/bin", "/sbin", "/bin"]))
        return self.play("install", inventory=[self.inventory], environment={"PATH": path}, extra={"ding_verify_send": False}, **more)

    def families(self):
        return {name: self.machine.family(self.container(name)) for name in HOSTS}


@pytest.fixture(scope="module")
def platform(site, play, tmp_path_factory):
    site.virgin()
    machine = Machine(site, tmp_path_factory.mktemp("containers"))
    with Agent("paas1", others=["paas2"]) as first, Agent("paas2", others=["paas1"]) as second:
        try:
            yield Platform(site, play, machine, {"paas1": first, "paas2": second})
        finally:
            machine.end()
            site.virgin()


def test_a_restart_that_fails_brings_the_first_host_back_and_leaves_the_second_alone(platform):
    before, families = platform.site.state(), platform.families()
    platform.machine.behave(platform.container("paas1"), fails=1, says="the engine has no room")
    run = platform.install()
    assert run.rc != 0
    said = run.failures("paas1")[-1].msg
    assert '"docker restart bk-paas-esb-paas1" ended with 5: the engine has no room' in said and "was restarted and is well" in said
    assert [line for line in difference(before, platform.site.state()) if "backup" not in str(line)] == []
    assert platform.machine.calls() == [["restart", "bk-paas-esb-paas1"]] * 2
    assert platform.families()["paas2"] == families["paas2"] and platform.families()["paas1"] != families["paas1"]
    puts = platform.agents["paas1"].puts
    assert puts and puts[-1][2] is False and not platform.agents["paas1"].out and platform.agents["paas2"].puts == []
    assert platform.site.leases() == {}


def test_install_through_the_engine_one_drained_host_after_the_other(platform):
    platform.machine.forget()
    for agent in platform.agents.values():
        agent.puts.clear()
    families = platform.families()
    run = platform.install()
    assert run.rc == 0 and not run.failures(), run
    assert platform.machine.calls() == [["restart", "bk-paas-esb-paas1"], ["restart", "bk-paas-esb-paas2"]]
    puts = sorted((when, host, enable) for host in HOSTS for when, _, enable, _ in platform.agents[host].puts)
    assert [put[1:] for put in puts] == [("paas1", True), ("paas1", False), ("paas2", True), ("paas2", False)]
    for host in HOSTS:
        assert not set(families[host].items()) & set(platform.families()[host].items())
        gate = run.of("Restart | Wait until new workers serve, as healthy as before", host)[-1].data
        assert gate["checks"]["imports"]["ok"] and gate["checks"]["component"]["ok"]
        facts = run.of("Preflight | Look at the host, its ESB, and what it can reach", host)[0].data["facts"]
        # Preflight, the plan, the import check of the gate, at least.
        assert platform.machine.executed(platform.container(host)) > 2
        assert facts["esb_inner_home"] == "%s/open_paas/esb" % (platform.machine.folder / ("inside-" + host))
    assert platform.site.settings("/cmsi/send_ding/") is not None
    platform.machine.forget()
    again = platform.install()
    assert again.rc == 0 and again.total("changed") == 0, again.changed()
    assert platform.machine.calls() == [] and sum(len(agent.puts) for agent in platform.agents.values()) == 4
