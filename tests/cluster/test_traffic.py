"""What callers of the ESB notice of an install: 20 requests a second through nginx, all the while."""

import pytest

from clusterkit import traffic as client
from clusterkit.cluster import PAAS, WAIT
from clusterkit.traffic import Traffic

# nginx's fail_timeout, and the default of the role.
FAIL_SECONDS = 30


def installed_under_traffic(cluster, play, **extra):
    since = {name: len(cluster.paas[name].stops()) for name in PAAS}
    pids = {name: cluster.paas[name].main_pid() for name in PAAS}
    with Traffic(cluster, WAIT) as traffic:
        run = play("install", extra=extra)
    assert run.rc == 0, repr(run)
    assert all(cluster.lists_ding(name) for name in PAAS)
    # The client kept its rate, or a gap in the service could have been missed.
    assert len(traffic.requests) > 0.75 * (traffic.ended - traffic.began) / client.EVERY, str(traffic)
    stops = [stop for name in PAAS for stop in cluster.paas[name].stops()[since[name]:]]
    return run, traffic, stops, {name for name in PAAS if cluster.paas[name].main_pid() != pids[name]}


@pytest.mark.every_target
def test_a_graceful_install_fails_no_request(virgin, play, figure):
    run, traffic, stops, restarted = installed_under_traffic(virgin, play, ding_restart_mode="graceful")
    figure("install, graceful: %s; the run took %.0f s" % (traffic, run.seconds))
    assert stops == [] and restarted == set()
    assert traffic.failed == []


@pytest.mark.usual
def test_an_install_with_a_drain_fails_no_request(virgin, play, figure):
    run, traffic, stops, restarted = installed_under_traffic(virgin, play, ding_drain=True, ding_drain_seconds=5)
    figure("install, restart with a drain: %s; the run took %.0f s" % (traffic, run.seconds))
    assert len(stops) == 2 and restarted == set(PAAS)
    assert traffic.failed == []


@pytest.mark.usual
def test_a_plain_install_fails_no_request_but_those_in_flight_at_a_stop(virgin, play, figure):
    run, traffic, stops, restarted = installed_under_traffic(virgin, play, ding_restart_pause=FAIL_SECONDS)
    at_stops = [request for stop in stops for request in traffic.in_flight(stop)]
    figure("install, plain restart: %s; %d were in flight at the stops of both hosts; the run took %.0f s" % (traffic, len(at_stops), run.seconds))
    assert len(stops) == 2 and restarted == set(PAAS)
    assert [request for request in traffic.failed if request not in at_stops] == [], stops


@pytest.mark.parametrize("playbook", ["rollback", "uninstall"])
def test_no_request_fails_while_the_channel_goes_gracefully(installed, play, figure, playbook):
    with Traffic(installed, WAIT) as traffic:
        run = play(playbook, extra={"ding_restart_mode": "graceful", "ding_confirm": True})
    assert run.rc == 0, repr(run)
    figure("%s, graceful: %s; the run took %.0f s" % (playbook, traffic, run.seconds))
    assert traffic.failed == [], traffic.failed
    assert {name: installed.lists_ding(name) for name in PAAS} == dict.fromkeys(PAAS)
