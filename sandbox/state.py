"""state.json: what runs, where it answers, and how a test may configure it.

    {"options": {"hosts": 1, "python": "current", "server": "gthread", "workers": 2, "redis": null, "channel": true},
     "processes": {NAME: {"pid": int, "started": text, "port": int}},       NAME: dingtalk, usermgr, paas1, paas2 …
     "urls": {"dingtalk": URL, "usermgr": URL, "esb": URL of paas1, "paas1": URL, …},
     "app_code": text, "app_secret": text,
     "log_dirs": {"paas1": folder with esb.log and esb_api.log, …},
     "settings_command": [words]}           reads {path: {setting: value or null}} on standard input

`ports` survives `down`, so that an address that was bookmarked stays the same while nobody else takes the port.
"""

import contextlib
import fcntl
import json

from sandbox import paths

APP_CODE = "ding_sandbox"
APP_SECRET = "sandbox-app-secret-not-real"


def load(home):
    """The stored state, or an empty one. A damaged file counts as empty: `down` finds processes without it, too."""
    try:
        state = json.loads(home.state.read_text("utf-8"))
    except (OSError, ValueError):
        state = {}
    if not isinstance(state, dict):
        state = {}
    for key in ("options", "processes", "urls", "ports", "log_dirs"):
        state.setdefault(key, {})
    return state


def save(home, state):
    paths.write_private(home.state, json.dumps(state, indent=2, sort_keys=True) + "\n")


@contextlib.contextmanager
def locked(path):
    """One command at a time; the kernel frees the lock when its holder dies, however it dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
