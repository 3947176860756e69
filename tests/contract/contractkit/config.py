"""Where the three services are: the environment, or the running sandbox's state.json."""

import json
import os
import pathlib
import shlex

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]


class Config(object):
    def __init__(self, environ=None):
        environ = os.environ if environ is None else environ
        values = _from_state(environ)
        values.update({k: v for k, v in environ.items() if k.startswith("CONTRACT_") and v})
        self._values = values
        self.esb_url = self._need("ESB_URL").rstrip("/")
        self.dingtalk_url = self._need("DINGTALK_URL").rstrip("/")
        self.usermgr_url = self._need("USERMGR_URL").rstrip("/")
        self.app_code = self._need("APP_CODE")
        self.app_secret = self._need("APP_SECRET")
        self.log_dirs = [pathlib.Path(p) for p in self._need("LOG_DIR").split(os.pathsep)]
        self.settings_command = shlex.split(self._need("SETTINGS_COMMAND"))
        self.ding_app_key = values.get("CONTRACT_DING_APP_KEY") or "dingsandboxkeynotreal"
        self.ding_app_secret = values.get("CONTRACT_DING_APP_SECRET") or "sandbox-dingtalk-secret-not-real"
        # An ESB that caches its channels (V7) shows a changed setting only after this many seconds.
        self.settings_delay = float(values.get("CONTRACT_SETTINGS_DELAY") or 0)
        self.server = values.get("CONTRACT_SERVER") or "unknown"
        self.workers = int(values.get("CONTRACT_WORKERS") or 2)
        self.redis = (values.get("CONTRACT_REDIS") or "") not in ("", "0", "no")
        # False where no service can run, so that nothing is queued.
        self.service = (values.get("CONTRACT_SERVICE") or "1") not in ("0", "no")
        # False where the server runs no threads: the same answers, one call after the other.
        self.parallel = (values.get("CONTRACT_PARALLEL") or "1") not in ("0", "no")

    def _need(self, name):
        value = self._values.get("CONTRACT_" + name)
        if not value:
            raise SystemExit(
                "contract tests: CONTRACT_%s is not set and no running sandbox was found "
                "(start one with `python -m sandbox up`)" % name
            )
        return value


def _from_state(environ):
    """CONTRACT_* values out of the running sandbox's state.json (sandbox/state.py describes it)."""
    home = pathlib.Path(environ.get("DING_SANDBOX_HOME") or REPOSITORY / ".sandbox")
    path = home / "state.json"
    if not path.exists():
        return {}
    state = json.loads(path.read_text(encoding="utf-8"))
    urls, options = state.get("urls") or {}, state.get("options") or {}
    if not urls:
        return {}
    return {
        "CONTRACT_ESB_URL": urls["esb"],
        "CONTRACT_DINGTALK_URL": urls["dingtalk"],
        "CONTRACT_USERMGR_URL": urls["usermgr"],
        "CONTRACT_APP_CODE": state["app_code"],
        "CONTRACT_APP_SECRET": state["app_secret"],
        "CONTRACT_LOG_DIR": os.pathsep.join(state["log_dirs"].values()),
        "CONTRACT_SETTINGS_COMMAND": " ".join(shlex.quote(word) for word in state["settings_command"]),
        "CONTRACT_SERVER": options.get("server") or "",
        "CONTRACT_WORKERS": str(options.get("workers") or ""),
        "CONTRACT_REDIS": "1" if options.get("redis") else "",
        "CONTRACT_PARALLEL": "0" if options.get("server") == "uwsgi" else "1",
    }
