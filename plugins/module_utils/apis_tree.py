# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What is in components/generic: read only, and as it will be once an interrupted run is finished.

Paths are relative to `generic`. Links are never followed below it.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import collections
import errno
import os
import stat

from ansible_collections.ding.blueking.plugins.module_utils import swap

# kind: file, folder, link or other; content: bytes of a file, the target of a link; mtime in whole seconds, as byte code records it.
Entry = collections.namedtuple("Entry", "kind content mode uid gid mtime links")


class View:
    """`decided` is what swap.pending() returned; nothing of it is pending once swap.recover() has run."""

    def __init__(self, generic, decided=None):
        self.generic = generic
        self._decided = dict(decided or {})
        for target in list(self._decided):
            for path in swap.byte_code(os.path.join(generic, target)):
                self._decided.setdefault(os.path.relpath(path, generic), None)

    def path(self, name):
        """Where it is now, or None."""
        head, rest = name, []
        while head:
            if head in self._decided:
                base = self._decided[head]
                return None if base is None else os.path.join(base, *rest)
            head, tail = os.path.split(head)
            rest.insert(0, tail)
        return os.path.join(self.generic, name)

    def entry(self, name, reads=None):
        """Its Entry, or None when nothing is there. With `reads`, a file's content is None unless reads(name, size) says otherwise."""
        path = self.path(name)
        try:
            return None if path is None else self._entry(name, path, reads)
        except (OSError, IOError) as error:
            # Gone meanwhile: an ESB that starts writes its byte code under another name first.
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                return None
            raise

    def _entry(self, name, path, reads):
        seen = os.lstat(path)
        kind, content = "other", None
        if stat.S_ISREG(seen.st_mode):
            kind, content = "file", _read(path) if reads is None or reads(name, seen.st_size) else None
        elif stat.S_ISDIR(seen.st_mode):
            kind = "folder"
        elif stat.S_ISLNK(seen.st_mode):
            kind, content = "link", os.readlink(path)
        return Entry(kind, content, stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid, int(seen.st_mtime), seen.st_nlink)

    def names(self, folder):
        """What is in a folder, sorted; empty where there is none."""
        path = self.path(folder)
        found = set(os.listdir(path)) if path and os.path.isdir(path) and not os.path.islink(path) else set()
        for target, there in self._decided.items():
            if os.path.dirname(target) == folder:
                (found.discard if there is None else found.add)(os.path.basename(target))
        return sorted(found)

    def tree(self, name, reads=None):
        """{path relative to it: Entry} of everything in a folder, itself as ""; empty when nothing is there."""
        top = self.entry(name, reads)
        found = {} if top is None else {"": top}
        if top is not None and top.kind == "folder":
            for each in self.names(name):
                for path, entry in self.tree(name + "/" + each, reads).items():
                    found[each + "/" + path if path else each] = entry
        return found


def _read(path):
    with open(path, "rb") as handle:
        return handle.read()
