# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What a folder holds, as plain data: {path: entry}, and what differs between two of them.

Paths are relative text, "." the folder itself; shown() and raw() turn any bytes of a name into text and back. An entry is
{"type": "file", "size", "sha256", "mtime", "mode", "owner", "group"}, {"type": "folder", "mode", "owner", "group"},
{"type": "link", "target", "owner", "group"}, or {"type": "special", …} for a socket, a pipe or a device, of which only
that is known. Owner and group are numbers, times are whole seconds. Links are never followed.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import hashlib
import os
import re
import stat

from ansible.module_utils.common.text.converters import to_bytes

from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

ROOT = u"."
CHUNK = 1024 * 1024
# Two entries are the same when these are; a time alone is no change, and a size goes with its sum.
COMPARED = ("type", "sha256", "target", "mode", "owner", "group")

_ESCAPE = re.compile(br"\\(\\|x[0-9a-f]{2})")


def shown(name):
    """Any bytes as text: a byte that is no UTF-8 becomes \\xNN, a backslash two."""
    rest, text = name.replace(b"\\", b"\\\\"), u""
    while True:
        try:
            return text + rest.decode("utf-8")
        except UnicodeDecodeError as error:
            text += rest[:error.start].decode("utf-8") + u"\\x%02x" % bytearray(rest)[error.start]
            rest = rest[error.start + 1:]


def raw(text):
    """The bytes that shown() made this text of."""
    return _ESCAPE.sub(lambda found: b"\\" if found.group(1) == b"\\" else bytes(bytearray([int(found.group(1)[1:], 16)])), text.encode("utf-8"))


def place(root, path):
    """Where a manifest's path is under the folder `root`, as bytes."""
    root = to_bytes(root, errors="surrogate_or_strict")
    return root if path == ROOT else os.path.join(root, raw(path))


def parent(path):
    """The path of the folder in which a path lies; None for the root."""
    return None if path == ROOT else path.rpartition(u"/")[0] or ROOT


def take(root, instead=None, tops=None):
    """The manifest of a folder, {} where there is none.

    instead: {path: place (bytes) or None} of what is looked at in place of a path of the folder (swap.pending);
    tops: only these entries of the folder and what is below them. Raises Problem.
    """
    instead, found = instead or {}, {}
    start = instead[ROOT] if ROOT in instead else place(root, ROOT)
    waiting = [(ROOT, start)] if start is not None else []
    while waiting:
        path, where = waiting.pop()
        entry = _entry(path, where)
        if entry is None:
            continue
        found[path] = entry
        if entry["type"] == "folder":
            inside = _inside(path, where, instead)
            waiting += [each for each in inside if tops is None or path != ROOT or each[0] in tops]
    return found


def _inside(path, where, instead):
    before = u"" if path == ROOT else path + u"/"
    try:
        names = dict((before + shown(name), os.path.join(where, name)) for name in os.listdir(where))
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return []
        raise Problem("The folder %s cannot be read: %s." % (shown(where), os.strerror(error.errno)))
    names.update((each, other) for each, other in instead.items() if parent(each) == path)
    return [(each, other) for each, other in sorted(names.items()) if other is not None]


def _entry(path, where):
    """None for what vanished since its folder was read."""
    try:
        status = os.lstat(where)
        entry = {"owner": status.st_uid, "group": status.st_gid}
        if stat.S_ISLNK(status.st_mode):
            return dict(entry, type="link", target=shown(os.readlink(where)))
        entry["mode"] = stat.S_IMODE(status.st_mode)
        if stat.S_ISDIR(status.st_mode):
            return dict(entry, type="folder")
        if not stat.S_ISREG(status.st_mode):
            return dict(entry, type="special")
        size, digest = measure(where)
        return dict(entry, type="file", size=size, sha256=digest, mtime=int(status.st_mtime // 1))
    except (OSError, IOError) as error:
        if error.errno == errno.ENOENT:
            return None
        raise Problem("%s cannot be read, so nobody can say what this folder holds: %s." % (shown(where), os.strerror(error.errno)))


def measure(where):
    """(size, sha256) of a file, which may be of any size."""
    digest, size = hashlib.sha256(), 0
    with opened(where) as handle:
        for chunk in iter(lambda: handle.read(CHUNK), b""):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


def opened(where):
    """A file for reading, never through a link that took its place, and without waiting for a pipe."""
    return os.fdopen(os.open(where, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


def identity(entry):
    """What is compared of an entry; None for one that is not there."""
    return None if entry is None else tuple(entry.get(name) for name in COMPARED)


def source_of(path):
    """The source X.py whose byte code a file of this name is, else None."""
    folder, slash, name = path.rpartition(u"/")
    if not name.endswith((u".pyc", u".pyo")):
        return None
    if folder.rpartition(u"/")[2] == u"__pycache__":
        return folder[:-len(u"__pycache__")] + name.split(u".")[0] + u".py"
    return path[:-1]


def byte_code(manifest):
    """The paths that Python itself writes: byte code whose source is there, and the folders __pycache__ that hold nothing else.

    Byte code without its source is a file like any other: the ESB loads it.
    """
    found = set(path for path in manifest if source_of(path) in manifest)
    caches = set(path for path in manifest if path.rpartition(u"/")[2] == u"__pycache__" and manifest[path]["type"] == "folder")
    filled = set()
    for path in manifest:
        if path not in found:
            while parent(path) is not None:
                path = parent(path)
                filled.add(path)
    return found | (caches - filled)


def content(manifest):
    """The manifest without what Python itself writes: a restart of the ESB changes nothing in it."""
    own = byte_code(manifest)
    return dict((path, entry) for path, entry in manifest.items() if path not in own)


def changes(before, after):
    """{path: [entry or None, entry or None]} of the paths whose contents differ, byte code apart."""
    before, after = content(before), content(after)
    return dict((path, [_lasting(before.get(path)), _lasting(after.get(path))]) for path in set(before) | set(after)
                if identity(before.get(path)) != identity(after.get(path)))


def _lasting(entry):
    return entry and dict((name, entry[name]) for name in COMPARED if name in entry)


def described(entry):
    """One line about an entry, for a diff."""
    if entry is None:
        return "absent"
    who = "%d:%d" % (entry["owner"], entry["group"])
    if entry["type"] == "link":
        return u"link to %s, %s" % (entry["target"], who)
    text = "%s, mode %04o, %s" % (entry["type"], entry["mode"], who)
    return text + (", sha256 %s" % entry["sha256"] if entry["type"] == "file" else "")
