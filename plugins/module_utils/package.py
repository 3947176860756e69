# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The component folder: how it travels to a host, and what a host's folder lacks of it. Pure functions.

A package is {path relative to the folder: bytes}. A tree is what apis_tree reads: {path: Entry}, the folder itself as "".
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import base64
import collections
import hashlib
import json
import re
import struct
import zlib

from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

FILE_MODE, FOLDER_MODE = 0o644, 0o755
# Without these it is not a component folder: conf.py's block imports the second.
NEEDED = ("__init__.py", "_channels.py")
VERSION_FILE = "toolkit/version.py"
# A longer text is shown as its size and sum.
SHOWN_BYTES = 100000
_VERSION = re.compile(br"""^__version__ = u?["']([^"']+)["']""", re.MULTILINE)
# Python 3 writes byte code under such a name and renames it.
_BEING_WRITTEN = re.compile(r"(^|/)__pycache__/[^/]+\.pyc\.[0-9]+\Z")
_IN_A_CACHE = re.compile(r"(^|/)__pycache__/[^/]+\.pyc(\.[0-9]+)?\Z")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*\Z")

Owner = collections.namedtuple("Owner", "uid gid")
# What happens to one path: `before` and `after` are Entries, None for nothing.
Change = collections.namedtuple("Change", "path before after")
Wanted = collections.namedtuple("Wanted", "kind content mode uid gid")


def is_byte_code(path):
    return path.endswith((".pyc", ".pyo")) or "__pycache__" in path.split("/")


def pack(files):
    """A package as text; the same files give the same text."""
    listed = [[path, base64.b64encode(files[path]).decode("ascii")] for path in sorted(files)]
    return base64.b64encode(zlib.compress(json.dumps(listed).encode("ascii"), 9)).decode("ascii")


def unpack(text):
    """The package in a text. Raises Problem for one that is damaged or that names anything outside its folder."""
    try:
        listed = json.loads(zlib.decompress(base64.b64decode(text)).decode("ascii"))
        files = dict((path, base64.b64decode(content)) for path, content in listed)
    except (ValueError, TypeError, zlib.error):
        raise Problem("The package did not arrive whole: it is sent by the action plugin of esb_package, not by a task.")
    if len(files) != len(listed):
        raise Problem("The package names a file twice.")
    check(files)
    # Plain ASCII by now: on Python 2.7 the same kind of text as the names of a folder, which may be any bytes.
    return dict((str(path), content) for path, content in files.items())


def check(files):
    """Raises Problem unless the files are a component folder and nothing but."""
    for path in sorted(files):
        parts = path.split("/")
        if not all(_NAME.match(part) for part in parts) or is_byte_code(path):
            raise Problem("The package may not hold a file of the name %s." % json.dumps(path))
        for length in range(1, len(parts)):
            if "/".join(parts[:length]) in files:
                raise Problem("The package has %s as a file and as a folder." % json.dumps("/".join(parts[:length])))
    for path in NEEDED:
        if path not in files:
            raise Problem("This is not the channel's folder, since it has no %s: leave out `src`, or set it to such a folder." % path)


def version(files):
    """What toolkit/version.py says, or None."""
    found = _VERSION.search(files.get(VERSION_FILE) or b"")
    return found.group(1).decode("ascii", "replace") if found else None


def version_of(tree):
    entry = tree.get(VERSION_FILE)
    return version({VERSION_FILE: entry.content}) if entry and entry.kind == "file" else None


def wanted(files, owner):
    """The tree that a package makes; {} for none."""
    if files is None:
        return {}
    tree = {"": Wanted("folder", None, FOLDER_MODE, owner.uid, owner.gid)}
    for path, content in files.items():
        parts = path.split("/")
        for length in range(1, len(parts)):
            tree["/".join(parts[:length])] = tree[""]
        tree[path] = Wanted("file", content, FILE_MODE, owner.uid, owner.gid)
    return tree


def differences(tree, goal):
    """The Changes that make a tree the wanted one, in the order of their paths; byte code that the ESB may keep is none."""
    changes = []
    for path in sorted(set(tree) | set(goal)):
        before, after = tree.get(path), goal.get(path)
        if after is None and goal and _may_stay(path, tree, goal):
            continue
        if before is None or after is None or not same(before, after):
            changes.append(Change(path, before, after))
    return changes


def same(before, after):
    return (before.kind, before.content, before.mode, before.uid, before.gid) == (after.kind, after.content, after.mode, after.uid, after.gid)


def _may_stay(path, tree, goal):
    """Whether it is byte code of a wanted source that is there and current, or a folder for such."""
    entry = tree[path]
    if path.split("/")[-1] == "__pycache__":
        return entry.kind == "folder" and (path[:-len("/__pycache__")] if "/" in path else "") in goal
    if _BEING_WRITTEN.search(path):
        return entry.kind == "file"
    source = source_of(path)
    return (source is not None and entry.kind == "file" and source in goal and source in tree and tree[source].content == goal[source].content
            and is_current(entry.content, tree[source]))


def is_byte_code_only(tree):
    """Whether a tree holds nothing but folders, and files that Python 3 writes for itself in folders __pycache__."""
    return all(entry.kind == "folder" or entry.kind == "file" and is_in_a_cache(path) for path, entry in tree.items())


def is_in_a_cache(path):
    """Whether a file of this name is byte code that Python 3 loads beside its source only."""
    return bool(_IN_A_CACHE.search(path))


def source_of(path):
    """The source that byte code belongs to: "x.pyc" and "__pycache__/x.cpython-36.pyc" to "x.py"; None for anything else."""
    if not path.endswith((".pyc", ".pyo")):
        return None
    folder, slash, name = path.rpartition("/")
    if folder.split("/")[-1] == "__pycache__":
        folder = folder[:-len("__pycache__")].rstrip("/")
        return (folder + "/" if folder else "") + name.split(".")[0] + ".py"
    return folder + slash + name[:-1]


def is_current(content, source):
    """Whether Python takes this byte code for the source's: it records the source's time, and from 3.3 on its size.

    The number in the first two bytes says which layout follows (CPython, Lib/importlib/_bootstrap_external.py).
    """
    if len(content) < 16:
        return False
    number = struct.unpack("<H", content[:2])[0]
    mtime, size = source.mtime & 0xFFFFFFFF, len(source.content) & 0xFFFFFFFF
    if 3390 <= number < 20000:
        flags, recorded, recorded_size = struct.unpack("<III", content[4:16])
        return (flags, recorded, recorded_size) == (0, mtime, size)
    if 3190 <= number < 3390:
        return struct.unpack("<II", content[4:12]) == (mtime, size)
    return struct.unpack("<I", content[4:8])[0] == mtime


def stale_byte_code(names, source, read):
    """Which of the byte code files of a source (an Entry, None when it is not there) are not its own; `read` gives their content."""
    return [name for name in names if source is None or source.kind != "file" or not is_current(read(name) or b"", source)]


def summary(changes):
    """The paths that were added, changed and removed: `files` of the result. A folder counts only where it stays."""
    found = {"added": [], "changed": [], "removed": []}
    for change in changes:
        entry = change.after or change.before
        if entry.kind != "folder" or change.before and change.after:
            found["added" if change.before is None else "removed" if change.after is None else "changed"].append(change.path)
    return found


def diff(changes, root, name_of):
    """The diff of Changes, as a list: one part that lists new files and one for those that go, then one for each changed file's content and one for
    its owner and mode. Files that come or go as a whole are our own code, which nobody would read here.

    `root` is the path that the Changes' paths are relative to; name_of(uid, gid) gives "owner:group".
    """
    # A new folder shows by its files.
    new = "".join(listed(change.path, change.after) for change in changes if change.before is None and change.after.kind != "folder")
    gone = "".join(listed(change.path, change.before) for change in changes if change.after is None)
    parts = [part(root + ending, before, after) for ending, before, after in ((" (new)", "", new), (" (gone)", gone, "")) if before or after]
    for change in changes:
        if change.before is None or change.after is None:
            continue
        path = root + "/" + change.path if change.path else root
        before, after = shown(change.before), shown(change.after)
        if before != after:
            parts.append(part(path, before, after))
        rights = ["%s %04o\n" % (name_of(each.uid, each.gid), each.mode) for each in (change.before, change.after)]
        if rights[0] != rights[1]:
            parts.append(part(path + " (owner and mode)", rights[0], rights[1]))
    return parts


def listed(path, entry):
    """A line for a file that comes or goes as a whole."""
    if entry.kind != "file":
        return "%s %s" % (path or ".", shown(entry))
    return "%s (%d bytes, sha256 %s)\n" % (path, len(entry.content), hashlib.sha256(entry.content).hexdigest()[:12])


def part(path, before, after):
    return {"before_header": path, "after_header": path, "before": before, "after": after}


def shown(entry):
    """An Entry as text: a file's text, else what it is."""
    if entry is None:
        return ""
    if entry.kind == "link":
        return "(a link to %s)\n" % entry.content
    if entry.kind != "file":
        return "(a folder)\n" if entry.kind == "folder" else "(neither file nor folder)\n"
    try:
        text = entry.content.decode("utf-8")
    except UnicodeError:
        text = u"\0"
    if u"\0" in text or len(entry.content) > SHOWN_BYTES:
        return "(%d bytes, sha256 %s)\n" % (len(entry.content), hashlib.sha256(entry.content).hexdigest())
    return text
