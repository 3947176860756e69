"""A moment of the whole platform, kept so that a test can come back to it within a second or two."""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from modulekit.world import _put_back


class Moment:
    """Files of hosts and control host with modes and times, all rows, all users, and which processes had what loaded."""

    def __init__(self, site):
        self.folder = Path(tempfile.mkdtemp(prefix="ding-play-moment-"))
        self.folders = [folder for folder in _folders(site) if folder.is_dir()]
        for number, folder in enumerate(self.folders):
            shutil.copytree(folder, self.folder / str(number), symlinks=True)
        self.tables = sqlite3.connect(":memory:", check_same_thread=False)
        with closing(sqlite3.connect(str(site.world.database), timeout=20)) as live:
            live.backup(self.tables)
        self.users = site.profiles()
        self.pids = site.every_pid()

    def put(self, site):
        """Everything but the processes."""
        for folder in _folders(site):
            if folder not in self.folders:
                shutil.rmtree(folder, ignore_errors=True)
        for number, folder in enumerate(self.folders):
            folder.mkdir(parents=True, exist_ok=True)
            _put_back(self.folder / str(number), folder)
        for host in site.world.hosts:
            for path in host.bk_home.glob(".ding_blueking*"):
                path.unlink()
        with closing(sqlite3.connect(str(site.world.database), timeout=20)) as live:
            self.tables.backup(live)
        site.fresh_services(self.users)

    def end(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def _folders(site):
    found = [site.control_host.src_home, site.control_host.backups.parent]
    for host in site.world.hosts:
        found += [host.esb_home, host.src_home, site.backups[host.name].parent]
    return found
