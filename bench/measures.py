"""The measurements: each compared with what it is a multiple of, in the same rounds."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

LATENCY_MS = 30
ROUNDS = 15
BURSTS = 5
BURST_REQUESTS, AT_ONCE, PEOPLE_A_REQUEST = 200, 20, 5
# Enough that every worker has seen everybody, whichever worker a connection meets.
WARM_UPS_PER_WORKER = 6


@dataclass
class Result:
    """One line of the report; the value is within the bound or not."""

    what: str
    value: float
    bound: float
    unit: str
    detail: str
    strict: bool = False

    @property
    def passed(self):
        return self.value < self.bound if self.strict else self.value <= self.bound


def prepare(world):
    world.dingtalk.post("/_admin/config", {"latency_ms": LATENCY_MS, "qps": 0, "robot_per_minute": 0})


def bare_round_trip(world):
    """Seconds of one call to DingTalk over a kept connection."""
    return world.dingtalk.post("/robot/send?access_token=bench", {"msgtype": "text", "text": {"content": "x"}})[0]


def warm_up(make_esb, workers, calls):
    """Every worker loads the components and sees the people: each connection may meet another worker."""
    with ThreadPoolExecutor(workers * WARM_UPS_PER_WORKER) as pool:
        for call in calls:
            list(pool.map(lambda _, call=call: call(make_esb()), range(workers * WARM_UPS_PER_WORKER)))


def single_requests(make_esb, world, workers):
    """Median seconds by name: the bare round trip, the no-op component, and four kinds of sending, interleaved."""
    esb = make_esb()
    twenty, hundred, robots = world.people(20), world.people(100), world.robots(10)
    warm_up(make_esb, workers, [lambda esb, names=names: esb.send(names) for names in (twenty, hundred, robots)])
    never_seen = [world.people(20) for _ in range(ROUNDS)]
    kinds = {
        "bare": lambda number: bare_round_trip(world),
        "noop": lambda number: esb.call("/bench/noop/"),
        "20 seen": lambda number: esb.send(twenty),
        "100 seen": lambda number: esb.send(hundred),
        "20 never seen": lambda number: esb.send(never_seen[number]),
        "10 robots": lambda number: esb.send(robots),
    }
    times = {name: [] for name in kinds}
    for number in range(ROUNDS):
        for name, measure in kinds.items():
            times[name].append(measure(number))
    return {name: statistics.median(values) for name, values in times.items()}


def round_trips(medians):
    """The four bounds on single requests, in bare round trips over the no-op component."""
    bounds = [("20 seen", "20 people seen before", 2.5), ("100 seen", "100 people seen before", 3.5),
              ("20 never seen", "20 people never seen", 4), ("10 robots", "10 robots", 3)]
    return [
        Result(what, (medians[name] - medians["noop"]) / medians["bare"], bound, "round trips",
               "%.1f ms" % (medians[name] * 1000))
        for name, what, bound in bounds
    ]


def burst(call):
    """Seconds for all requests, AT_ONCE side by side."""
    started = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(call, range(BURST_REQUESTS)))
    return time.perf_counter() - started


def bursts(make_esb, world, workers):
    """The two bounds on a burst: its time against waiting only, and how connections are reused."""
    groups = [world.people(PEOPLE_A_REQUEST) for _ in range(10)]
    before = world.dingtalk.get("/_admin/stats")
    warm_up(make_esb, workers, [lambda esb, names=names: esb.send(names) for names in groups])
    waiting, sending = [], []
    for _ in range(BURSTS):
        waiter, sender = make_esb(), make_esb()
        waiting.append(burst(lambda number, esb=waiter: esb.call("/bench/wait/", milliseconds=LATENCY_MS)))
        sending.append(burst(lambda number, esb=sender: esb.send(groups[number % len(groups)])))
    after = world.dingtalk.get("/_admin/stats")
    calls = sum(after["calls"].values()) - sum(before["calls"].values())
    connections = after["connections"] - before["connections"]
    waited, sent = statistics.median(waiting), statistics.median(sending)
    return [
        Result("a burst of %d requests, %d at once" % (BURST_REQUESTS, AT_ONCE), sent / waited, 1.5,
               "times waiting", "%.2f s to %.2f s" % (sent, waited)),
        Result("connections of the bursts, first use included", connections / calls, 0.2, "per call",
               "%d for %d calls" % (connections, calls), strict=True),
    ]
