"""What the server knows: registered robots, apps and people; messages, calls, tokens; saved as one JSON file."""

import json
import os
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from sandbox.dingtalk.limits import Rates

MAX_RECORDS = 20000
# Long bodies are possible (20,000 bytes each): the newest are kept within this many characters as well.
MAX_RECORDED_CHARACTERS = 48 * 1024 * 1024

DEFAULT_CONFIG = {
    "latency_ms": 0,
    "qps": 20,
    "robot_per_minute": 20,
    # A minute of a robot's limit: tests of long storms make it shorter, as setting robot_window does for the channel.
    "robot_window_seconds": 60,
    "block_seconds": 600,
    "throttle_style": "130101",
    "token_life": 7200,
    "tokens_shared": True,
    # Sources disagree on the status of a bad token on api (400 or 401) and on its errcode on oapi.
    "token_status": 400,
    "token_errcode": 40014,
    "token_fetches_per_minute": 0,
    "quota_webhook": None,
    "quota_api": None,
    "clock_skew_ms": 0,
    "max_users": 20,
    "body_limit": 20000,
    "param_limit": 15000,
}


class Log:
    """The newest records in order of arrival, bounded in number and in size."""

    def __init__(self, max_records=MAX_RECORDS, max_characters=MAX_RECORDED_CHARACTERS):
        self._records = deque()
        self._max_records, self._max_characters = max_records, max_characters
        self._characters = 0

    def append(self, record, characters):
        self._records.append((record, characters))
        self._characters += characters
        while len(self._records) > self._max_records or self._characters > self._max_characters:
            self._characters -= self._records.popleft()[1]

    def after(self, last_id):
        """Records with an id above last_id, oldest first; walks from the newest end, where polling asks."""
        found = []
        for record, _ in reversed(self._records):
            if record["id"] <= last_id:
                break
            found.append(record)
        found.reverse()
        return found


@dataclass
class Token:
    value: str
    app_key: str
    kind: str  # "api" or "oapi": the endpoint that issued it
    expires: float


@dataclass
class State:
    robots: dict = field(default_factory=dict)  # token -> robot
    apps: dict = field(default_factory=dict)  # app_key -> app
    people: dict = field(default_factory=dict)  # userid -> person
    config: dict = field(default_factory=lambda: dict(DEFAULT_CONFIG))
    faults: list = field(default_factory=list)
    tokens: dict = field(default_factory=dict)  # value -> Token
    current_tokens: dict = field(default_factory=dict)  # (app_key, kind) -> Token
    by_mobile: dict = field(default_factory=dict)  # mobile -> userid
    epoch: int = 0  # counts resets, so that the page knows when to start over
    dirty: bool = False
    last_call: float = 0.0

    def __post_init__(self):
        self.clear()

    def clear(self):
        """Forget what happened; robots, apps and people stay."""
        self.messages, self.calls = Log(), Log()
        self.next_message, self.next_call = 1, 1
        self.uuids = OrderedDict()  # (robot token, msgUuid) -> message id
        self.rates = Rates()
        self.faults = []
        self.tokens, self.current_tokens = {}, {}
        self.config = dict(DEFAULT_CONFIG)
        self.call_counts = {}
        self.connections, self.running, self.max_running, self.tokens_issued = 0, 0, 0, 0
        self.used_webhook, self.used_api = 0, 0
        self.epoch += 1
        self.dirty = True

    def clear_all(self):
        self.robots, self.apps, self.people, self.by_mobile = {}, {}, {}, {}
        self.clear()

    def now_ms(self):
        """DingTalk's clock: ours plus the configured skew."""
        return int(time.time() * 1000) + self.config["clock_skew_ms"]

    def put_person(self, person):
        old = self.people.get(person["userid"])
        if old and self.by_mobile.get(old["mobile"]) == old["userid"]:
            del self.by_mobile[old["mobile"]]
        self.people[person["userid"]] = person
        if person["mobile"]:
            self.by_mobile[person["mobile"]] = person["userid"]
        self.dirty = True

    def add_message(self, kind, to, name, msgtype, title, text, at, uuid, call_id):
        message = {
            "id": self.next_message, "time": int(time.time() * 1000), "kind": kind, "to": to, "name": name,
            "msgtype": msgtype, "title": title, "text": text, "at": at, "uuid": uuid, "part_of_call": call_id,
        }
        self.next_message += 1
        self.messages.append(message, len(text) + 300)
        if uuid:
            self.uuids[(to, uuid)] = message["id"]
            if len(self.uuids) > MAX_RECORDS:
                self.uuids.popitem(last=False)
        self.dirty = True
        return message


def load(path):
    """The state saved in path, or a new one."""
    state = State()
    if not path or not os.path.exists(path):
        return state
    with open(path, encoding="utf-8") as file:
        saved = json.load(file)
    state.robots, state.apps = saved["robots"], saved["apps"]
    for person in saved["people"].values():
        state.put_person(person)
    state.config.update(saved["config"])
    for message in saved["messages"]:
        state.messages.append(message, len(message["text"]) + 300)
        if message["uuid"]:
            state.uuids[(message["to"], message["uuid"])] = message["id"]
    state.next_message, state.next_call = saved["next_message"], saved["next_call"]
    state.used_webhook, state.used_api = saved["used_webhook"], saved["used_api"]
    for values in saved["tokens"]:
        token = Token(**values)
        state.tokens[token.value] = state.current_tokens[(token.app_key, token.kind)] = token
    state.epoch = saved["epoch"] + 1
    state.dirty = False
    return state


def save(state, path):
    """Write the state beside path and rename, so that a reader never sees half a file."""
    saved = {
        "robots": state.robots, "apps": state.apps, "people": state.people, "config": state.config,
        "messages": state.messages.after(0), "next_message": state.next_message, "next_call": state.next_call,
        "used_webhook": state.used_webhook, "used_api": state.used_api, "epoch": state.epoch,
        "tokens": [vars(token) for token in state.current_tokens.values()],
    }
    text = json.dumps(saved)
    temporary = "%s.%d.part" % (path, os.getpid())
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)
    state.dirty = False
