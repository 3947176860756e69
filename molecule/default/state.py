"""What install.yml could change in the sandbox: python state.py HOME remember|compare|compare-restarted NAME.

Files with modes and owners, all rows but Django's own, and each host's ESB processes (compare-restarted: but for these). A comparison
ends with 1 and says what differs.
"""

import hashlib
import json
import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from sandbox import paths, processes, state  # noqa: E402

# Set whenever a row is written, by whomever.
TOUCHED = ("last_modified_time", "updated_time", "last_accessed_time")


def files(folder):
    """{path: what}; byte code and lock files left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if "__pycache__" not in path.parts and path.suffix not in (".pyc", ".lock"):
            about = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(about.st_mode) else ""
            found[str(path)] = "%o %d:%d %s" % (about.st_mode, about.st_uid, about.st_gid, content)
    return found


def rows(database):
    """{table and row: ""}"""
    found = {}
    with closing(sqlite3.connect(str(database), timeout=20)) as live:
        live.row_factory = sqlite3.Row
        for (table,) in live.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if not table.startswith(("django_", "sqlite_", "auth_")):
                for row in live.execute("SELECT * FROM %s" % table):
                    shown = {name: value for name, value in dict(row).items() if name not in TOUCHED}
                    found["%s %s" % (table, hashlib.sha256(repr(shown).encode()).hexdigest())] = "a row"
    return found


def serving(home):
    """{host: its ESB's processes}: equal only when nothing was restarted."""
    records, found = state.load(home)["processes"], {}
    for name in sorted(set(records) - {"dingtalk", "usermgr"}):
        members = [pid for pid in processes.ours(home) if processes.session(pid) == records[name]["pid"]]
        found[name] = sorted("%d %s" % (pid, processes.start_time(pid)) for pid in members)
    return found


def seen(home):
    found = {**files(home.control.src_home), **rows(home.database)}
    for name in sorted(path.name for path in home.hosts.iterdir()):
        host = home.host(name)
        found.update(files(host.esb / "components"))
        found.update(files(host.src_home))
        # A lease or a journal that was left behind.
        found.update((str(path), "there") for path in host.bk_home.glob(".ding_blueking*") if path.suffix != ".lock")
    return {"state": found, "processes": serving(home)}


def main(place, word, name):
    home = paths.Home(Path(place))
    kept = home.path / ("state-%s.json" % name)
    now = seen(home)
    if word == "remember":
        kept.write_text(json.dumps(now), "utf-8")
        return 0
    before = json.loads(kept.read_text("utf-8"))
    differing = ["%s: %s, now %s" % (path, before["state"].get(path), now["state"].get(path))
                 for path in sorted(set(before["state"]) | set(now["state"])) if before["state"].get(path) != now["state"].get(path)]
    if word == "compare" and before["processes"] != now["processes"]:
        differing.append("restarted: %s, now %s" % (before["processes"], now["processes"]))
    print("\n".join(differing) or "as it was: %d files and rows" % len(now["state"]))
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
