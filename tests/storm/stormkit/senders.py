"""Senders: threads that each send one message after the other to one host, and keep what they were told."""

import http.client
import json
import threading
import time

SENT, QUEUED, REFUSED, UNKNOWN = "sent", "queued", "refused", "unknown"
PATH = "/api/c/compapi/cmsi/send_ding/"


class Storm:
    """outcomes: {number: what the caller was told}; order: per sender the numbers in the order of their answers."""

    def __init__(self, platform, robot, texts, senders, tolerant=False):
        """texts: [(number, content)]. tolerant: processes die meanwhile, so a call without an answer is no fault."""
        self.platform, self.robot, self.tolerant = platform, robot, tolerant
        self._texts = list(texts)
        self._lock = threading.Lock()
        self._next = 0
        self.told = []  # (number, outcome)
        self.order = [[] for _ in range(senders)]
        self.refusals = []
        self.bytes = 0
        self._threads = [threading.Thread(target=self._work, args=(number,), daemon=True) for number in range(senders)]
        self.began = self.ended = None

    def run(self):
        self.start()
        self.join()

    def start(self):
        self.began = time.time()
        for thread in self._threads:
            thread.start()

    def running(self):
        return any(thread.is_alive() for thread in self._threads)

    def join(self):
        for thread in self._threads:
            thread.join()
        self.ended = time.time()

    def done(self):
        return self._next

    def _work(self, sender):
        caller = Caller(self.platform, self.platform.hosts[sender % len(self.platform.hosts)])
        while True:
            with self._lock:
                if self._next >= len(self._texts):
                    return
                number, content = self._texts[self._next]
                self._next += 1
                self.bytes += len(content.encode("utf-8"))
            outcome, answer = caller.send(self.robot.name, content, self.tolerant)
            with self._lock:
                self.told.append((number, outcome))
                if outcome in (SENT, QUEUED):
                    self.order[sender].append(number)
                elif outcome == REFUSED:
                    self.refusals.append(answer)


class Caller:
    """One caller's kept connection to one host."""

    def __init__(self, platform, host):
        self.platform, self.host = platform, host
        credentials = {"bk_app_code": platform.state["app_code"], "bk_app_secret": platform.state["app_secret"], "bk_username": "admin"}
        self._headers = {"X-Bkapi-Authorization": json.dumps(credentials), "Content-Type": "application/json"}
        self._connection = None

    def send(self, receiver, content, tolerant=False, title=""):
        """(what became of it, the answer). A refused connection is tried again: nothing was sent."""
        body = json.dumps({"receiver__username": receiver, "title": title, "content": content})
        limit = time.monotonic() + 60
        while True:
            try:
                fresh = self._connection is None
                if fresh:
                    port = int(self.platform.urls[self.host].rsplit(":", 1)[1])
                    self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                    self._connection.connect()
            except OSError:
                self._connection = None
                if not tolerant or time.monotonic() > limit:
                    raise
                time.sleep(0.1)
                continue
            try:
                self._connection.request("POST", PATH, body, self._headers)
                answer = json.loads(self._connection.getresponse().read())
            except (OSError, http.client.HTTPException, ValueError):
                self._connection = None
                if not tolerant:
                    raise
                return UNKNOWN, None
            row = ((answer.get("data") or {}).get("receivers") or [{}])[0]
            outcome = row.get("outcome")
            return (outcome if answer["result"] and outcome in (SENT, QUEUED) else REFUSED), answer
