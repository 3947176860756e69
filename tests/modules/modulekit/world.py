"""A sandbox for one pytest process: where its services and hosts are, and how its parts go back to their start."""

import contextlib
import errno
import filecmp
import os
import shutil
import sqlite3
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from contractkit.services import DingTalk, UserManagement
from sandbox import hosts, paths, processes
from sandbox.control import Sandbox

HOSTS = 2
# How often a folder is tried into which somebody still writes.
RACES = 20
USERMGR_CONFIG = {"auth": False, "latency_ms": 0, "fail": None}


@dataclass(frozen=True)
class Host:
    """One PaaS host of the sandbox: its ESB's address and its paths."""

    name: str
    esb_url: str
    bk_home: Path
    src_home: Path
    esb_home: Path
    # components/generic of its ESB tree, in which apis/ and cmsi/ lie.
    generic: Path
    python: Path
    logs: Path
    # What an ESB process of this host has in its environment, its database's place among it.
    environment: dict


class World:
    """Use the session fixture `sandbox`. Two hosts (paas1, paas2) share a database; the channel is not installed."""

    def __init__(self, control, own, snapshot):
        self.control, self.own, self._snapshot = control, own, Path(snapshot)
        state = control.state
        self.usermgr_url, self.dingtalk_url = state["urls"]["usermgr"], state["urls"]["dingtalk"]
        self.esb_url = state["urls"]["paas1"]
        self.app_code, self.app_secret = state["app_code"], state["app_secret"]
        self.home, self.database = control.home.path, control.home.database
        self.usermgr, self.dingtalk = UserManagement(self.usermgr_url), DingTalk(self.dingtalk_url)
        self.hosts = [self._host(name) for name in control.host_names()]
        self._tables = self._read_database()
        for host in self.hosts:
            shutil.copytree(host.esb_home, self._snapshot / host.name, symlinks=True)

    @classmethod
    def started(cls, esb_python="current"):
        """The sandbox that the stage has brought up (DING_SANDBOX_HOME), else one of our own in a temporary folder."""
        given = os.environ.get("DING_SANDBOX_HOME")
        home = paths.Home(Path(given or tempfile.mkdtemp(prefix="ding-modules-sandbox-")))
        control = Sandbox(home)
        try:
            control.up({"hosts": HOSTS, "python": esb_python, "channel": False})
        except BaseException:
            if not given:
                _remove(home)
            raise
        return cls(control, not given, tempfile.mkdtemp(prefix="ding-modules-snapshot-"))

    def end(self):
        shutil.rmtree(self._snapshot, ignore_errors=True)
        if self.own:
            _remove(self.control.home)

    def host(self, name):
        return next(host for host in self.hosts if host.name == name)

    def _host(self, name):
        found = self.control.home.host(name)
        state = self.control.state
        environment = hosts.environment(self.control.home, found, state["options"], state["urls"])
        return Host(name, state["urls"][name], found.bk_home, found.root / "data" / "src", found.esb, found.generic,
                    found.env / "bin" / "python", found.logs, environment)

    # --- changing it ----------------------------------------------------------------------------------------------

    def install_channel(self):
        """Files on all hosts, rows, settings, a restart: as `python -m sandbox install-channel`."""
        self.control.install_channel()

    def uninstall_channel(self):
        self.control.uninstall_channel()

    def restart(self, *names):
        self.control.restart(names or [host.name for host in self.hosts])

    def manage(self, *words, host="paas1", given=None, python=False):
        """manage.py (or, with python=True, a Python text) with the ESB's own Python; returns what it printed."""
        return self.control.manage(host, *words, given=given, python=python)

    # --- putting it back ------------------------------------------------------------------------------------------

    def reset(self):
        """Everything at once, without a restart: user management, DingTalk, files, database."""
        self.reset_usermgr()
        self.reset_dingtalk()
        self.reset_files()
        self.reset_database()

    def reset_usermgr(self):
        self.usermgr.post("/_admin/reset")
        self.usermgr.configure(**USERMGR_CONFIG)
        self.usermgr.forget()

    def reset_dingtalk(self):
        self.dingtalk.post("/_admin/reset")
        self.dingtalk.forget()

    def reset_files(self, *names):
        """The ESB trees of all hosts, or of those named, as they were: bytes, modes, links, nothing added.

        An ESB that runs keeps what it has imported; restart() is needed when a test has made it load something.
        """
        for host in self.hosts:
            if not names or host.name in names:
                _put_back(self._snapshot / host.name, host.esb_home)

    def reset_database(self):
        """All rows as they were, through SQLite's own backup: a running ESB reads them at its next request."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=20)) as live:
            self._tables.backup(live)

    def _read_database(self):
        kept = sqlite3.connect(":memory:", check_same_thread=False)
        with contextlib.closing(sqlite3.connect(self.database, timeout=20)) as live:
            live.backup(kept)
        return kept


def _put_back(wanted, folder):
    """Makes `folder` equal to `wanted` in place: processes have it as their working folder."""
    names = set(os.listdir(wanted))
    for name in set(os.listdir(folder)) - names:
        _delete(folder / name)
    for name in names:
        source, target = wanted / name, folder / name
        if source.is_dir() and not source.is_symlink():
            if target.is_symlink() or not target.is_dir():
                _delete(target)
                target.mkdir()
            _put_back(source, target)
        elif not _equal(source, target):
            _delete(target)
            shutil.copy2(source, target, follow_symlinks=False)
        if not source.is_symlink():
            _same_owner(source, target)
    shutil.copystat(wanted, folder)
    _same_owner(wanted, folder)


def _same_owner(source, target):
    wanted, found = source.lstat(), target.lstat()
    if (wanted.st_uid, wanted.st_gid) != (found.st_uid, found.st_gid):
        os.chown(target, wanted.st_uid, wanted.st_gid, follow_symlinks=False)
    if wanted.st_mode != found.st_mode:
        target.chmod(wanted.st_mode & 0o7777)


def _equal(source, target):
    if source.is_symlink() or target.is_symlink():
        return source.is_symlink() and target.is_symlink() and os.readlink(source) == os.readlink(target)
    return target.is_file() and filecmp.cmp(source, target, shallow=False) and \
        source.stat().st_mtime_ns == target.stat().st_mtime_ns


def _delete(path):
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    for _ in range(RACES):
        try:
            shutil.rmtree(path)
            return
        except OSError as error:
            # A worker that runs writes byte code beside what it imports, and may do so in a folder that is being emptied.
            if error.errno not in (errno.ENOTEMPTY, errno.ENOENT):
                raise
            time.sleep(0.05)
        if not path.exists():
            return
    shutil.rmtree(path)


def _remove(home):
    processes.stop(home, [])
    shutil.rmtree(home.path, ignore_errors=True)
