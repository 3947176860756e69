# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What esb_backup does for each state: present, recorded, restored, listed. Each returns the module's result."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import io
import os
import re
import time

from ansible.module_utils.common.text.converters import to_native

from ansible_collections.ding.blueking.plugins.module_utils import (
    backup, backup_archive, backup_diff, conf_block, esb_rows, manifest, restore_files, restoring, swap)
from ansible_collections.ding.blueking.plugins.module_utils.our_channels import PACKAGE, PATHS
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

FILES, ROWS, BOTH = "files", "rows", "both"
PLATFORM_VERSION = "/data/src/open_paas/VERSION"
LARGEST_CONF = 16 * 1024 * 1024

_VERSION = re.compile(br"""^__version__\s*=\s*["']([^"'\s]{1,40})["']""", re.MULTILINE)


class Work:
    """One run: the ESB (esb_python.Esb), the folder of its backups, the module's parameters, and whether it only looks."""

    def __init__(self, esb, params, check):
        self.esb = esb
        self.params = params
        self.check = check
        self.folder = backup.Folder(params["dir"], esb.home)
        self.instead = {}

    @property
    def has_rows(self):
        return self.params["rows"]

    def start(self, writes=True):
        self.esb.check()
        if not os.path.isdir(self.esb.generic):
            raise Problem("There is no folder %s: is esb_home an ESB's folder?" % self.esb.generic)
        if os.path.islink(self.esb.apis):
            raise Problem("%s is a link: set esb_home to the place where the folder really is." % self.esb.apis)
        if os.geteuid() not in (0, os.stat(self.esb.generic).st_uid):
            raise Problem("Run this module as root (become: true): the files in %s are another user's." % self.esb.generic)
        inside = os.path.realpath(self.folder.path) + os.sep
        if inside.startswith(os.path.realpath(self.esb.apis) + os.sep):
            raise Problem("The folder of the backups, %s, lies in the folder that is backed up: set dir to a place outside of %s." % (
                self.folder.path, self.esb.apis))
        self.folder.check()
        if writes and not self.check:
            self.folder.make()

    @contextlib.contextmanager
    def locked(self):
        """Alone with backups and files, what an interrupted run had begun finished (in check mode: looked at as if it were)."""
        with self.folder.lock(), swap.lock(self.esb.generic):
            self.instead = restore_files.instead(self.esb.generic)
            self.interrupted = sorted(self.instead)
            if not self.check:
                self.folder.clean()
                swap.recover(self.esb.generic)
                self.instead = {}
            yield

    def tree(self):
        return manifest.take(self.esb.apis, self.instead)

    def place(self, root, path):
        return backup_archive.where(root, path, self.instead)

    def content(self, tree, path):
        """The bytes of a small file; None where there is no file."""
        if tree.get(path, {}).get("type") != "file":
            return None
        with manifest.opened(self.place(self.esb.apis, path)) as handle:
            return handle.read(LARGEST_CONF)

    def row_call(self, function, argument):
        return self.esb.call("esb_rows." + function, argument, esb_rows.MODULES)


# --- present ----------------------------------------------------------------------------------------------------------

def present(work):
    """A backup of what is there now, unless the newest one is that."""
    if work.params["keep"] < 1:
        raise Problem("keep must be 1 or more: it is %d." % work.params["keep"])
    if work.params["name"] is not None:
        backup.check_name(work.params["name"])
    work.start()
    with work.locked():
        tree = work.tree()
        if tree.get(manifest.ROOT, {}).get("type") != "folder":
            raise Problem("There is no folder %s to be backed up." % work.esb.apis)
        rows = work.row_call("snapshot", {"paths": PATHS}) if work.has_rows else None
        return _present(work, tree, rows)


def _present(work, tree, rows):
    backups = work.folder.backups()
    names = [each.name for each in backups]
    newest = backups[-1] if backups else None
    about = dict(_about(work, tree), previous=newest.name if newest else None)
    # Asked for by name, so that all hosts of a run can go back to it together, even those whose newest backup equals what is there.
    is_new = newest is None or (work.params["name"] or "") > newest.name or not _is_equal(newest, tree, rows)
    if is_new:
        backup.check_space(work.folder.path, backup_archive.estimate(tree, rows), "a backup")
        newest = _Planned(about)
        if not work.check:
            newest = _write(work, about, tree, rows)
        backups = backups + [newest]
    surplus = work.folder.surplus(backups, work.params["keep"])
    if not work.check:
        work.folder.prune(surplus)
    kept = [name for name in names if name not in [each.name for each in surplus]]
    before = {"is_backed_up": not is_new, "backups": names, "interrupted": work.interrupted}
    after = {"is_backed_up": True, "backups": kept + (["(new)"] if is_new else []), "interrupted": []}
    return {"changed": before != after, "diff": {"before": before, "after": after}, "backup": newest.name, "path": newest.path, "size": newest.size,
            "pristine": newest.is_pristine, "platform_version": newest.about["platform_version"], "package_version": newest.about["package_version"],
            "pruned": [each.name for each in surplus]}


class _Planned:
    """A backup that a check run would make."""

    name = path = size = problem = None

    def __init__(self, about):
        self.about = about
        self.is_pristine = about["pristine"]


def _is_equal(newest, tree, rows):
    if newest.problem:
        return False
    try:
        found = newest.lists()
        return not manifest.changes(found.tree, tree) and found.rows == rows and backup_archive.is_sealed(newest.path)
    except Problem:
        return False


def _about(work, tree):
    return {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "home": work.folder.home, "pristine": _is_pristine(work, tree),
            "platform_version": _platform_version(work), "package_version": _package_version(work, tree)}


def _is_pristine(work, tree):
    if PACKAGE in tree:
        return False
    conf = work.content(tree, restoring.CONF)
    try:
        return conf_block.remove(conf) == conf
    except conf_block.DamagedBlock:
        return False


def _platform_version(work):
    for path in (os.path.join(os.path.dirname(work.esb.home.rstrip("/")), "VERSION"), PLATFORM_VERSION):
        if work.params["platform_version"]:
            break
        try:
            with io.open(path, encoding="utf-8", errors="replace") as handle:
                return handle.read(100).strip().split(u"\n")[0].strip() or None
        except (OSError, IOError):
            continue
    return work.params["platform_version"]


def _package_version(work, tree):
    found = _VERSION.search(work.content(tree, PACKAGE + u"/toolkit/version.py") or b"")
    return found.group(1).decode("utf-8", "replace") if found else None


def _write(work, about, tree, rows):
    made = work.folder.write(lambda handle: backup_archive.write(handle, about, tree, rows, work.esb.apis), work.params["name"])
    reason = made.problem or made.verify()
    if reason:
        os.unlink(made.path)
        raise Problem("The new backup in %s did not come back as it was written (%s) and was removed: is that disk sound?" % (work.folder.path, reason))
    return made


# --- recorded ---------------------------------------------------------------------------------------------------------

def recorded(work):
    """Writes down what our install has changed since the backup, unless that is written down already."""
    work.start(writes=False)
    with work.locked():
        chosen = work.folder.choose(work.params["backup"])
        later = [record for record in work.folder.records() if record["name"] > chosen.name]
        changes = manifest.changes(chosen.lists().tree, work.tree())
        # A second time, what differs now is the site's own doing, and a restore must keep it.
        is_known = bool(later) and later[-1]["made_by"] == backup.INSTALL and later[-1]["backup"] == chosen.name
        if is_known:
            changes = {}
        before = dict((path, manifest.described(change[0])) for path, change in changes.items())
        after = dict((path, manifest.described(change[1])) for path, change in changes.items())
        if changes and not work.check:
            work.folder.record(backup.INSTALL, chosen.name, changes)
        before = {"recorded": before, "interrupted": work.interrupted}
        after = {"recorded": after, "interrupted": []}
        return {"changed": bool(changes or work.interrupted), "diff": {"before": before, "after": after}, "backup": chosen.name,
                "recorded": sorted(changes)}


# --- restored ---------------------------------------------------------------------------------------------------------

def restored(work):
    """Files, rows or both as in a backup. All that can be refused is refused before the first change."""
    scope = work.params["scope"]
    if not work.has_rows:
        if scope == ROWS:
            raise Problem("scope: rows and rows: false contradict each other.")
        scope = FILES
    work.start(writes=False)
    with work.locked():
        chosen = work.folder.choose(work.params["backup"])
        conf = _Sink(restoring.CONF)
        found = chosen.load(conf)
        rows = _predicted_rows(work, chosen, found) if scope != FILES else None
        made = _plan(work, chosen, found, conf) if scope != ROWS else restoring.Plan({}, {})
        parts = _parts(work, chosen, found, made, rows)
        if made.done:
            backup.check_space(work.esb.generic, restore_files.needed_bytes(made), "a restore")
        if not work.check:
            _restore_files(work, chosen, made)
            _restore_rows(work, chosen, found, rows, made)
        return {"changed": bool(made.done or work.interrupted or (rows and rows["changed"])), "diff": parts, "backup": chosen.name,
                "restored": sorted(path for path, change in made.told.items() if change[1]),
                "removed": sorted(path for path, change in made.told.items() if not change[1]),
                "kept": [{"path": path, "reason": made.reasons[path]} for path in sorted(made.reasons)],
                "rows_restored": bool(rows and rows["changed"])}


class _Sink:
    """Keeps the bytes of one path; called as backup_archive.load's sink."""

    def __init__(self, path):
        self._path = path
        self._kept = None

    def __call__(self, path, entry):
        if path != self._path or entry["size"] > LARGEST_CONF:
            return None
        self._kept = io.BytesIO()
        return self._kept

    @property
    def content(self):
        return self._kept and self._kept.getvalue()


def _predicted_rows(work, chosen, found):
    if found.rows is None:
        raise Problem("The backup %s holds no channel rows (it was made with rows: false): use scope: files." % chosen.name)
    return work.row_call("restore", {"snapshot": found.rows, "check": True})


def _plan(work, chosen, found, conf):
    current = work.tree()
    records = [record["changes"] for record in work.folder.records() if record["name"] > chosen.name]
    return restoring.plan(found.tree, current, records, conf.content, work.content(current, restoring.CONF), work.params["overwrite"])


def _parts(work, chosen, found, made, rows):
    texts = backup_diff.Texts(made)
    if made.done:
        chosen.load(texts.sink)
    parts = [backup_diff.files_part(made)]
    parts += texts.parts(work.esb.apis, work.place, backup_diff.secrets_in(found.rows))
    if rows is not None:
        parts.append(backup_diff.rows_part(rows["before"], rows["after"]))
    if work.interrupted:
        parts.append({"before_header": "interrupted", "after_header": "interrupted", "before": {"interrupted": work.interrupted}, "after": {}})
    return parts


def _restore_files(work, chosen, made):
    if not made.done:
        return
    # Before the change: should this run die behind it, what it did is known all the same.
    work.folder.record(backup.RESTORE, chosen.name, made.changes)
    restore_files.perform(work.esb.generic, made, chosen.load)


def _restore_rows(work, chosen, found, rows, made):
    if not (rows and rows["changed"]):
        return
    try:
        work.row_call("restore", {"snapshot": found.rows, "check": False})
    except Problem as problem:
        files = "The files are as in the backup %s (%d paths were changed)" % (chosen.name, len(made.told)) if made.done else "No file was changed"
        raise Problem("%s, but the channel rows were not restored: %s Run it again with scope: rows." % (files, to_native(problem)))


# --- listed -----------------------------------------------------------------------------------------------------------

def listed(work):
    """All backups, oldest first."""
    work.folder.check()
    found = []
    with work.folder.lock():
        for each in work.folder.backups():
            reason = each.verify() if work.params["verify"] else each.problem
            about = each.about
            found.append({"name": each.name, "path": each.path, "size": each.size, "time": about.get("time"), "pristine": each.is_pristine,
                          "previous": about.get("previous"), "platform_version": about.get("platform_version"), "package_version": about.get("package_version"),
                          "has_rows": about.get("has_rows"), "verified": not reason if work.params["verify"] or reason else None, "problem": reason})
    return {"changed": False, "diff": {"before": {}, "after": {}}, "backups": found}


STATES = {"present": present, "recorded": recorded, "restored": restored, "listed": listed}
