"""A client that never stops: 20 POST requests a second through nginx, each on a connection of its own, and what became of each."""

import contextlib
import http.client
import json
import threading
import time
import urllib.parse
from dataclasses import dataclass

EVERY, LONGEST = 0.05, 60


@dataclass(frozen=True)
class Request:
    """began, ended: seconds since 1970. fault: "" when it was answered well."""

    began: float
    ended: float
    fault: str


class Traffic:
    """A context. milliseconds: how long the component that is called takes, so that requests are in flight at any time."""

    def __init__(self, cluster, path, milliseconds=150):
        self.address = urllib.parse.urlsplit(cluster.nginx_url).netloc
        self.path, self.body = path, json.dumps({"milliseconds": milliseconds})
        self.headers = {**cluster.caller(), "Content-Type": "application/json", "Connection": "close"}
        self.requests, self._threads, self._stop, self._lock = [], [], threading.Event(), threading.Lock()

    def __enter__(self):
        self.began = time.time()
        self._clock = threading.Thread(target=self._run, daemon=True)
        self._clock.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._clock.join(LONGEST)
        end = time.monotonic() + LONGEST + 5
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        self.ended = time.time()

    def _run(self):
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            thread = threading.Thread(target=self._ask, daemon=True)
            thread.start()
            self._threads.append(thread)
            due += EVERY

    def _ask(self):
        began = time.time()
        try:
            with contextlib.closing(http.client.HTTPConnection(self.address, timeout=LONGEST)) as connection:
                connection.request("POST", self.path, self.body, self.headers)
                answer = connection.getresponse()
                text = answer.read()
            well = answer.status == 200 and json.loads(text).get("result") is True
            fault = "" if well else "HTTP %d: %s" % (answer.status, text[:200])
        except (OSError, ValueError, http.client.HTTPException) as error:
            fault = repr(error)
        with self._lock:
            self.requests.append(Request(began, time.time(), fault))

    @property
    def failed(self):
        return [request for request in self.requests if request.fault]

    def in_flight(self, stop):
        """The requests that were under way at some time of (begun, ended) of a stop: until its processes are gone, a server takes new ones."""
        return [request for request in self.requests if request.began <= stop[1] and stop[0] <= request.ended]

    def __str__(self):
        times = sorted(request.ended - request.began for request in self.requests)
        return "%d requests in %.0f s, %.1f a second, slowest %.2f s, %d failed" % (
            len(self.requests), self.ended - self.began, len(self.requests) / (self.ended - self.began), times[-1], len(self.failed))
