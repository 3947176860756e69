# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The folder in which backups lie: names, writing, listing, choosing, pruning, and the records of what we changed.

    20261123T232400Z.tar.gz          a backup (backup_archive.py); a second one within that second has -001, and so on
    20261123T232401Z.changes.json    what an install or a restore of ours changed: paths, sums, modes and owners, no contents
    .20261123T232400Z.tar.gz.part    what a run that died left; the next run removes it

Several ESB folders can share one folder: each sees its own backups only. Names only ever grow, also when the clock goes
back. Who holds lock() is the only run.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import calendar
import contextlib
import errno
import json
import os
import re
import stat
import time

from ansible.module_utils.common.text.converters import to_bytes, to_native

from ansible_collections.ding.blueking.plugins.module_utils import backup_archive, manifest, swap
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

LATEST, PRISTINE = "latest", "pristine"
ARCHIVE_END, RECORD_END, PART_END = ".tar.gz", ".changes.json", ".part"
INSTALL, RESTORE = "install", "restore"
LOCK_SECONDS = 150
DAY_SECONDS = 24 * 60 * 60
LARGEST_RECORD = 64 * 1024 * 1024

_SECOND = r"[0-9]{8}T[0-9]{6}Z"
_STAMP = _SECOND + r"(?:-[0-9]{3})?"
_NAME = re.compile(r"(%s)(%s|%s)\Z" % (_STAMP, re.escape(ARCHIVE_END), re.escape(RECORD_END)))
_PART = re.compile(r"\.%s\.(?:tar\.gz|changes\.json)\.part\Z" % _STAMP)


class Backup:
    """One archive by its head: name, path, size (bytes) and about; problem says why it cannot be read, and about is then {}."""

    def __init__(self, path, name):
        self.path = path
        self.name = name
        self.size = os.lstat(path).st_size
        self.problem, self.about = None, {}
        try:
            self.about = backup_archive.head(path)
        except backup_archive.Damaged as problem:
            self.problem = to_native(problem)

    @property
    def is_pristine(self):
        return bool(self.about.get("pristine"))

    def lists(self):
        """Its Archive without the files. Raises Problem."""
        return self._read(backup_archive.lists)

    def load(self, sink=None):
        """Its Archive, all of it verified. Raises Problem."""
        return self._read(lambda path: backup_archive.load(path, sink))

    def verify(self):
        """None, or the reason why it must not be used."""
        try:
            backup_archive.load(self.path)
        except backup_archive.Damaged as problem:
            return to_native(problem)
        return None

    def _read(self, reader):
        try:
            return reader(self.path)
        except backup_archive.Damaged as problem:
            raise Problem("The backup %s cannot be used: %s." % (self.name, to_native(problem)))


class Folder:
    """The backups of one ESB folder (`home`) in `path`."""

    def __init__(self, path, home):
        self.path = path
        self.home = manifest.shown(to_bytes(os.path.realpath(home), errors="surrogate_or_strict"))

    @property
    def is_there(self):
        return os.path.isdir(self.path)

    def check(self):
        """Raises Problem when others could put a backup there: what is restored from it is written as root."""
        try:
            os.lstat(self.path)
        except OSError as error:
            if error.errno == errno.EACCES:
                raise self._forbidden(error)
        if os.path.lexists(self.path) and not self.is_there:
            raise Problem("%s is no folder: set dir to a folder of its own for the backups." % self.path)
        if self.is_there:
            status = os.stat(self.path)
            if status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o022:
                raise Problem("Others than root may write in %s, so nobody can trust the backups there: set dir to a folder of root's with mode 0700."
                              % self.path)

    @contextlib.contextmanager
    def lock(self):
        """Against other runs; without a folder there is nothing to hold."""
        if not self.is_there:
            yield
            return
        with swap.lock(self.path, LOCK_SECONDS):
            yield

    def make(self):
        """Makes the folder, with those above it. One that holds nothing but backups is root's alone."""
        missing, above = [], os.path.abspath(self.path)
        while not os.path.isdir(above):
            missing.append(above)
            above = os.path.dirname(above)
        try:
            for each in reversed(missing):
                os.mkdir(each, 0o700)
                if each != missing[0]:
                    os.chmod(each, 0o755)
            status = os.stat(self.path)
            if status.st_mode & 0o077 and status.st_uid == os.geteuid() and all(_NAME.match(name) or _PART.match(name) for name in os.listdir(self.path)):
                os.chmod(self.path, 0o700)
        except OSError as error:
            raise Problem("The folder %s for the backups cannot be made: %s." % (self.path, os.strerror(error.errno)))

    def backups(self):
        """All Backups of this ESB folder, oldest first; those that cannot be read are among them."""
        found = [Backup(os.path.join(self.path, name), stamp) for stamp, end, name in self._names() if end == ARCHIVE_END]
        return [each for each in found if each.problem or each.about["home"] == self.home]

    def choose(self, name):
        """The Backup called `latest`, `pristine` (the oldest one) or by its name. Raises Problem."""
        found = self.backups()
        if name == LATEST:
            chosen = found[-1:]
        elif name == PRISTINE:
            chosen = [each for each in found if each.is_pristine][:1]
        else:
            plain = name[:-len(ARCHIVE_END)] if name.endswith(ARCHIVE_END) else name
            chosen = [each for each in found if each.name == plain]
        if not chosen:
            what = {LATEST: "no backup", PRISTINE: "no backup from before the first install"}.get(name, "no backup %s" % name)
            there = ", ".join(each.name for each in found) or "none"
            raise Problem("There is %s of %s in %s (there: %s)." % (what, to_native(self.home), self.path, there))
        return chosen[0]

    def surplus(self, backups, keep):
        """Which of these (oldest first) are too many: never the newest, never the oldest pristine one."""
        pristine = [each for each in backups if each.is_pristine][:1]
        free = [each for each in backups[:-1] if each not in pristine]
        return free[:max(len(backups) - keep, 0)]

    def prune(self, surplus):
        for each in surplus:
            _unlink(each.path)
        kept = [each.name for each in self.backups()]
        # A record tells how the states of older backups became later ones; without an older backup nobody asks.
        for record in self.records():
            if not kept or record["name"] < kept[0]:
                _unlink(os.path.join(self.path, record["name"] + RECORD_END))

    def clean(self):
        """Removes what runs that died left; call it under lock()."""
        for name in sorted(os.listdir(self.path)) if self.is_there else []:
            if _PART.match(name):
                _unlink(os.path.join(self.path, name))

    def write(self, fill, wanted=None):
        """Writes a new archive with fill(open file), by the wanted name unless later ones are there; returns its Backup.

        Raises Problem; then nothing is left of it.
        """
        name = self._new_name(wanted)
        path = os.path.join(self.path, name + ARCHIVE_END)
        self._write(path, fill)
        return Backup(path, name)

    # --- records ------------------------------------------------------------------------------------------------------

    def records(self):
        """[{"name", "made_by", "backup", "changes"}, …] of this ESB folder, oldest first. Raises Problem."""
        found = []
        for stamp, end, name in self._names():
            if end == RECORD_END:
                record = dict(_read_record(os.path.join(self.path, name)), name=stamp)
                if record["home"] == self.home:
                    found.append(record)
        return found

    def record(self, made_by, backup, changes):
        """Writes down what an install or a restore of ours changes. Returns the record's name."""
        name = self._new_name()
        text = json.dumps(dict(format=1, home=self.home, made_by=made_by, backup=backup, changes=changes), sort_keys=True).encode("ascii")
        self._write(os.path.join(self.path, name + RECORD_END), lambda handle: handle.write(text))
        return name

    # --- files --------------------------------------------------------------------------------------------------------

    def _names(self):
        if not self.is_there:
            return []
        found = []
        try:
            names = os.listdir(self.path)
        except OSError as error:
            raise self._forbidden(error)
        for name in names:
            match = _NAME.match(to_native(name, errors="surrogate_or_replace"))
            if match and _is_ours(os.path.join(self.path, name)):
                found.append((match.group(1), match.group(2), name))
        return sorted(found)

    def _forbidden(self, error):
        return Problem("The folder %s cannot be read (%s): run this module as root (become: true)." % (self.path, os.strerror(error.errno)))

    def _new_name(self, wanted=None):
        """The wanted name, else now, or what follows the newest name when that is not before it."""
        taken = [stamp for stamp, dummy, dummy in self._names()]
        now = wanted or time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        if not taken or taken[-1][:len(now)] < now:
            return now
        second, dash, number = taken[-1].partition("-")
        return "%s-%03d" % (second, int(number or 0) + 1)

    def _write(self, path, fill):
        part = os.path.join(self.path, "." + os.path.basename(path) + PART_END)
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as handle:
                    os.fchmod(handle.fileno(), 0o600)
                    fill(handle)
                    handle.flush()
                    os.fsync(handle.fileno())
                os.rename(part, path)
            except BaseException:
                _unlink(part)
                raise
            _fsync(self.path)
        except (OSError, IOError) as error:
            raise Problem("%s cannot be written: %s." % (path, error.strerror or error))


def check_name(name):
    """Raises Problem for what cannot be the name of a backup."""
    try:
        seconds = calendar.timegm(time.strptime(name, "%Y%m%dT%H%M%SZ")) if re.match(_SECOND + r"\Z", name) else None
    except ValueError:
        seconds = None
    if seconds is None or seconds > time.time() + DAY_SECONDS:
        raise Problem("name must be a time in UTC such as 20261123T232400Z, and not in the future: it is %s." % name)


def free_bytes(path):
    """What is free where a path is or will be."""
    path = os.path.abspath(path)
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def check_space(path, needed, what):
    free = free_bytes(path)
    if free < needed:
        raise Problem("There is too little space for %s: it needs up to %s in %s, where %s are free. Nothing was changed." % (
            what, shown_size(needed), path, shown_size(free)))


def shown_size(size):
    return "%.1f MiB" % (size / 1048576.0)


def _is_ours(path):
    """A plain file that nobody else wrote."""
    status = os.lstat(path)
    return stat.S_ISREG(status.st_mode) and status.st_uid in (0, os.geteuid()) and not status.st_mode & 0o022


def _read_record(path):
    try:
        with open(path, "rb") as handle:
            record = json.loads(handle.read(LARGEST_RECORD).decode("ascii"))
        for change in record["changes"].values():
            manifest.identity(change[0]), manifest.identity(change[1])
        return dict((name, record[name]) for name in ("home", "made_by", "backup", "changes"))
    except (EnvironmentError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise Problem("%s cannot be read: it says what an install changed. Move it away, and a restore keeps everything that differs "
                      "and is not in our own folder." % path)


def _unlink(path):
    try:
        os.unlink(path)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise Problem("%s cannot be removed: %s." % (path, os.strerror(error.errno)))


def _fsync(path):
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
