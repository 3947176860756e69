# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Performs a plan of restoring.py: builds each entry of `apis` that changes beside it, and swaps them all under one journal.

What stays of the site's is linked into the new folder, not copied: the same file, with everything that it has.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import shutil
import stat

from ansible_collections.ding.blueking.plugins.module_utils import manifest, restoring, swap
from ansible_collections.ding.blueking.plugins.module_utils.our_channels import PACKAGE

APIS = u"apis"
# A file or folder takes whole blocks.
BLOCK = 4096


def instead(generic):
    """swap.pending() as manifest.take(apis, …) wants it: {path: bytes or None}."""
    found = {}
    for target, where in swap.pending(generic).items():
        name = manifest.shown(_bytes(target))
        if name == APIS or name.startswith(APIS + u"/"):
            found[name[len(APIS) + 1:] or manifest.ROOT] = None if where is None else _bytes(where)
    return found


def needed_bytes(made):
    """What building needs on the ESB's file system."""
    tops = set(made.tops)
    built = [path for path in made.result if path.split(u"/")[0] in tops]
    return BLOCK * (len(built) + 16) + sum(made.wanted[path].get("size", 0) for path in built if made.result[path] == "backup")


def perform(generic, made, load):
    """Restores. load(sink) reads the verified backup once more (backup.Backup.load). Raises Problem; then nothing has changed."""
    apis = os.path.join(generic, "apis")
    if made.tops:
        with swap.stage(generic) as stage:
            builder = _Builder(stage, apis, made)
            load(builder.sink)
            builder.finish()
            _check_unchanged(apis, made)
            stage.commit()
    if made.actions.get(manifest.ROOT) == restoring.RESTORE and made.current:
        _set_attributes(manifest.place(apis, manifest.ROOT), made.wanted[manifest.ROOT])


def _check_unchanged(apis, made):
    now = manifest.take(apis, tops=set(made.tops)) if made.current else {}
    then = dict((path, entry) for path, entry in made.current.items() if path == manifest.ROOT or path.split(u"/")[0] in made.tops)
    changed = sorted(set(manifest.changes(then, now)) - set([manifest.ROOT]))
    if changed:
        raise swap.changed_meanwhile(changed[0])


class _Builder:
    """Builds the plan's result in the stage: first all but the backup's files, those as the archive brings them."""

    def __init__(self, stage, apis, made):
        self._apis = apis
        self._made = made
        self._places = {}
        self._folders = []
        self._open = None
        for top in self._tops():
            path = manifest.ROOT if top is None else top
            name = "apis" if top is None else "apis/" + _native(manifest.raw(top))
            if path in made.result:
                self._lay_out(path, _bytes(stage.put(name)))
            else:
                stage.delete(name)

    def _tops(self):
        """Our block leaves conf.py before the package goes, and comes after it."""
        if not self._made.current:
            return [None]
        others = [top for top in self._made.tops if top != restoring.CONF]
        conf = [top for top in self._made.tops if top == restoring.CONF]
        return others + conf if PACKAGE in self._made.result else conf + others

    def _lay_out(self, top, place):
        below = top + u"/"
        inside = [path for path in self._made.result if path == top or top == manifest.ROOT or path.startswith(below)]
        for path in sorted(inside, key=lambda path: [] if path == manifest.ROOT else path.split(u"/")):
            rest = path if top == manifest.ROOT else path[len(below):] or manifest.ROOT
            self._make(path, manifest.place(place, rest))

    def _make(self, path, place):
        source, entry = self._made.result[path], self._made.entry(path)
        if entry["type"] == "folder":
            os.mkdir(place, 0o700)
            self._folders.append((place, entry))
        elif entry["type"] == "link":
            os.symlink(manifest.raw(entry["target"]), place)
            _set_attributes(place, entry)
        elif source == "current":
            self._carry_over(path, place)
        elif source == "edited":
            with _new_file(place) as handle:
                handle.write(self._made.conf)
            _set_attributes(place, entry)
        else:
            self._places[path] = place

    def _carry_over(self, path, place):
        now = manifest.place(self._apis, path)
        try:
            os.link(now, place)
        except OSError:
            # A file system without links.
            with manifest.opened(now) as old:
                with _new_file(place) as new:
                    shutil.copyfileobj(old, new)
            _set_attributes(place, self._made.current[path])

    def sink(self, path, dummy):
        self._close()
        if path not in self._places:
            return None
        self._open = path, _new_file(self._places[path])
        return self._open[1]

    def _close(self):
        if self._open:
            path, handle = self._open
            self._open = None
            handle.close()
            _set_attributes(self._places[path], self._made.wanted[path])

    def finish(self):
        self._close()
        for place, entry in reversed(self._folders):
            _set_attributes(place, entry)


def _new_file(place):
    return os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb")


def _set_attributes(place, entry):
    status = os.lstat(place)
    if (status.st_uid, status.st_gid) != (entry["owner"], entry["group"]):
        os.lchown(place, entry["owner"], entry["group"])
    if entry["type"] == "link":
        return
    # After the owner: changing that takes setuid bits away.
    if stat.S_IMODE(os.lstat(place).st_mode) != entry["mode"]:
        os.chmod(place, entry["mode"])
    if "mtime" in entry:
        # The old time, for which the old byte code beside it was compiled.
        os.utime(place, (entry["mtime"], entry["mtime"]))


if str is bytes:
    def _bytes(path):
        return path

    def _native(path):
        return path
else:
    def _bytes(path):
        return os.fsencode(path)

    def _native(path):
        return os.fsdecode(path)
