"""Prints what a host holds that a playbook can change, as JSON: python3 seen.py, with tree.py of the playbook tests beside it."""

import json
from pathlib import Path

import tree

BK_HOME, SRC_HOME = Path("/data/bkce"), Path("/data/src")
LEASE = BK_HOME / ".ding_blueking.lease"

if __name__ == "__main__":
    # With the unit of the channel's service, and the link that has it started.
    found = {**tree.seen(Path("/etc/systemd/system")), **tree.seen(BK_HOME / "open_paas" / "esb" / "components"), **tree.seen(SRC_HOME),
             **tree.seen(BK_HOME, deep=False, without=LEASE)}
    backups = Path("/data/backup/ding_blueking")
    print(json.dumps({"files": found, "lease": json.loads(LEASE.read_text("utf-8")) if LEASE.exists() else None,
                      "backups": sorted(path.name for path in backups.glob("*.tar.gz"))}))
