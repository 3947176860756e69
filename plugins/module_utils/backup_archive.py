# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""One backup as one file: a tar.gz with about.json, manifest.json, rows.json and the tree `apis`, which tar can unpack by hand.

Behind it comes a second, empty gzip member whose comment is the sha256 of all bytes before: every flipped, missing or
additional bit shows. Inside, about.json has the sums of the two other lists and the manifest has those of the files, so
that an archive that was packed again by hand shows as well. Nothing here extracts by the archive's own names.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import gzip
import hashlib
import io
import json
import os
import re
import struct
import tarfile
import zlib

from ansible_collections.ding.blueking.plugins.module_utils import manifest
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

FORMAT = 1
TREE = u"apis"
ABOUT, MANIFEST, ROWS = u"about.json", u"manifest.json", u"rows.json"
# Of the three lists; 100,000 files have one of 30 MiB.
LARGEST_LIST = 256 * 1024 * 1024
# tar pads each member to blocks of 512 bytes and has a header for each, two more for a long name.
MEMBER_COST = 2048
TYPES = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}

_DAMAGES = (tarfile.TarError, EnvironmentError, EOFError, zlib.error, struct.error, ValueError, KeyError, TypeError, AttributeError)
_SUM = re.compile(r"[0-9a-f]{64}\Z")


class Damaged(Problem):
    """An archive that must not be used; the text is the reason."""


class Archive:
    """about: {"format", "time", "home", "pristine", "previous", "platform_version", "package_version", "has_rows", "sums"}; rows: a snapshot or None."""

    def __init__(self, about, tree, rows):
        self.about = about
        self.tree = tree
        self.rows = rows


# --- writing ----------------------------------------------------------------------------------------------------------

def write(handle, about, tree, rows, root, instead=None):
    """Writes a whole archive to an open file; the files come from `root` (see manifest.take for `instead`).

    Raises Problem when a file is no longer what the manifest says.
    """
    lists = [(MANIFEST, _json(tree)), (ROWS, _json(rows))]
    about = dict(about, format=FORMAT, has_rows=rows is not None, sums=dict((name, _sum(text)) for name, text in lists))
    summing = _Summing(handle)
    packed = gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=summing, mtime=0)
    tar = tarfile.open(fileobj=packed, mode="w|", format=tarfile.GNU_FORMAT, **_NAMES)
    for name, text in [(ABOUT, _json(about))] + lists:
        tar.addfile(_list_member(name, len(text)), io.BytesIO(text))
    for path in sorted(tree, key=_tree_order):
        if tree[path]["type"] in TYPES:
            _write_one(tar, path, tree[path], where(root, path, instead))
        # It would keep all of them for a list that nobody asks for.
        tar.members = []
    tar.close()
    packed.close()
    handle.write(seal(summing.digest.hexdigest()))


def where(root, path, instead):
    """The place (bytes) of a path; `instead` may have another one for it or for a folder above it."""
    above, below = path, []
    while above is not None:
        if instead and above in instead:
            return os.path.join(*([instead[above]] + [manifest.raw(each) for each in reversed(below)]))
        below.append(above.rpartition(u"/")[2])
        above = manifest.parent(above)
    return manifest.place(root, path)


def seal(digest):
    """The empty gzip member behind an archive whose bytes have this sha256."""
    return b"\x1f\x8b\x08\x10\0\0\0\0\0\xff" + b"sha256=" + digest.encode("ascii") + b"\0" + b"\x03\0" + b"\0" * 8


def estimate(tree, rows):
    """How many bytes an archive needs at most, when nothing in it can be compressed."""
    lists = 2 * len(_json(tree)) + len(_json(rows))
    return sum(entry.get("size", 0) for entry in tree.values()) + len(tree) * MEMBER_COST + lists + 65536


def _write_one(tar, path, entry, place):
    member = _member(path, entry)
    if entry["type"] != "file":
        tar.addfile(member)
        return
    try:
        handle = manifest.opened(place)
    except (OSError, IOError):
        raise Problem("%s is gone or something else since it was looked at, so no backup was made: start again." % path)
    with handle:
        reader = _Summing(handle)
        try:
            tar.addfile(member, reader)
            changed = reader.digest.hexdigest() != entry["sha256"] or handle.read(1)
        except (OSError, IOError) as error:
            # tarfile's own, when the file is shorter than it was; what the system refuses has a number.
            if error.errno is not None:
                raise
            changed = True
    if changed:
        raise Problem("%s has changed while it was being backed up, so no backup was made: start again." % path)


def _member(path, entry):
    member = tarfile.TarInfo(_tar_text(b"/".join([TREE.encode("ascii")] + ([] if path == manifest.ROOT else [manifest.raw(path)]))))
    member.type = TYPES[entry["type"]]
    member.mode = entry.get("mode", 0o777)
    member.uid, member.gid = entry["owner"], entry["group"]
    member.mtime = entry.get("mtime", 0)
    member.size = entry.get("size", 0)
    if entry["type"] == "link":
        member.linkname = _tar_text(manifest.raw(entry["target"]))
    return member


def _list_member(name, size):
    member = tarfile.TarInfo(str(name))
    member.size, member.mode = size, 0o600
    return member


def _tree_order(path):
    return [] if path == manifest.ROOT else path.split(u"/")


class _Summing:
    """A file whose bytes are summed as they pass."""

    def __init__(self, handle):
        self._handle = handle
        self.digest = hashlib.sha256()

    def write(self, chunk):
        self.digest.update(chunk)
        self._handle.write(chunk)
        return len(chunk)

    def read(self, size=-1):
        chunk = self._handle.read(size)
        self.digest.update(chunk)
        return chunk

    def flush(self):
        self._handle.flush()


# --- reading ----------------------------------------------------------------------------------------------------------

def head(path):
    """about.json alone, unverified: for a list. Raises Damaged."""
    with _reading() as reading, reading.tar(path) as tar:
        return _checked_about(_read_list(tar, ABOUT))


def is_sealed(path):
    """Whether all bytes are those that were written. Raises Damaged when the file cannot be read."""
    with _reading(), open(path, "rb") as handle:
        rest = os.fstat(handle.fileno()).st_size - len(seal("0" * 64))
        digest = hashlib.sha256()
        while rest > 0:
            chunk = handle.read(min(rest, manifest.CHUNK))
            if not chunk:
                return False
            digest.update(chunk)
            rest -= len(chunk)
        return handle.read() == seal(digest.hexdigest())


def lists(path):
    """The Archive without looking at its files: for comparing. Raises Damaged."""
    with _reading() as reading, reading.tar(path) as tar:
        return _read_lists(tar)


def load(path, sink=None):
    """Reads all of an archive and returns it; nothing may be used before this has returned. Raises Damaged with the reason.

    sink(path, entry) is asked for each file and gives what has a write(bytes), or None.
    """
    if not is_sealed(path):
        raise Damaged("its bytes are not those that were written: it was cut off, changed, or packed again by hand")
    with _reading() as reading, reading.tar(path) as tar:
        found = _read_lists(tar)
        left = set(each for each, entry in found.tree.items() if entry["type"] in TYPES)
        for member in _members(tar):
            each = _checked_path(member, left)
            left.discard(each)
            _checked_member(each, member, found.tree[each])
            if member.isreg():
                _pass_on(tar, member, each, found.tree[each], sink)
        if left:
            raise Damaged("%s is missing in it" % sorted(left)[0])
        return found


class _reading:
    """Whatever a damaged file does to tarfile and the others becomes Damaged."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is not None and isinstance(error, _DAMAGES) and not isinstance(error, Problem):
            raise Damaged("it cannot be read (%s)" % (getattr(error, "strerror", None) or type(error).__name__))

    def tar(self, path):
        return _Tar(path)


class _Tar:
    def __init__(self, path):
        self._path = path

    def __enter__(self):
        self._handle = open(self._path, "rb")
        try:
            self._packed = gzip.GzipFile(fileobj=self._handle, mode="rb")
            return tarfile.open(fileobj=self._packed, mode="r|", **_NAMES)
        except BaseException:
            self._handle.close()
            raise

    def __exit__(self, *dummy):
        self._packed.close()
        self._handle.close()


def _members(tar):
    while True:
        member = tar.next()
        if member is None:
            return
        tar.members = []
        yield member


def _read_lists(tar):
    about = _checked_about(_read_list(tar, ABOUT))
    texts = [_read_list(tar, name) for name in (MANIFEST, ROWS)]
    for name, text in zip((MANIFEST, ROWS), texts):
        if about["sums"].get(name) != _sum(text):
            raise Damaged("%s in it is not what was written" % name)
    tree, rows = [json.loads(text.decode("ascii")) for text in texts]
    _check_tree(tree)
    return Archive(about, tree, rows)


def _read_list(tar, name):
    member = tar.next()
    tar.members = []
    if member is None or not member.isreg() or member.name != name or member.size > LARGEST_LIST:
        raise Damaged("it was not written by this module: %s is not in its place" % name)
    return tar.extractfile(member).read()


def _checked_about(text):
    about = json.loads(text.decode("ascii"))
    if about["format"] != FORMAT:
        raise Damaged("its format is %s, and this collection knows %d: a newer collection wrote it" % (about["format"], FORMAT))
    if not isinstance(about["sums"], dict) or not isinstance(about["home"], type(u"")):
        raise Damaged("%s in it is not what was written" % ABOUT)
    return about


def _check_tree(tree):
    """No path leaves the folder, also not through a link, and nothing but what this module writes is in an entry."""
    for path, entry in tree.items():
        name = manifest.raw(path)
        parts = name.split(b"/")
        if manifest.shown(name) != path or b"\0" in name or (path != manifest.ROOT and any(part in (b"", b".", b"..") for part in parts)):
            raise Damaged("it names the path %r, which leaves the folder" % str(path))
        above = manifest.parent(path)
        if above is not None and tree.get(above, {}).get("type") != "folder":
            raise Damaged("it names %s, whose folder is no folder" % path)
        if entry["type"] not in ("file", "folder", "link", "special") or not _is_number(entry["owner"]) or not _is_number(entry["group"]):
            raise Damaged("what it says about %s cannot be" % path)
        if entry["type"] != "link" and not 0 <= entry["mode"] <= 0o7777:
            raise Damaged("what it says about %s cannot be" % path)
        if entry["type"] == "file" and not (_SUM.match(entry["sha256"]) and _is_number(entry["size"]) and int(entry["mtime"]) == entry["mtime"]):
            raise Damaged("what it says about %s cannot be" % path)
    if tree.get(manifest.ROOT, {}).get("type") != "folder":
        raise Damaged("it holds no folder %s" % TREE)


def _is_number(value):
    return isinstance(value, int) and 0 <= value < 1 << 63


def _checked_path(member, left):
    name = _tar_raw(member.name)
    path = manifest.ROOT if name == TREE.encode("ascii") else manifest.shown(name[len(TREE) + 1:])
    if not (name + b"/").startswith(TREE.encode("ascii") + b"/") or path not in left:
        raise Damaged("it holds %r, which its manifest does not name or which comes twice" % str(member.name))
    return path


def _checked_member(path, member, entry):
    ours = _member(path, entry)
    if member.type != ours.type:
        raise Damaged("%s in it is not the %s that its manifest names" % (path, entry["type"]))
    for name in ("mode", "uid", "gid", "size", "mtime", "linkname"):
        if getattr(member, name) != getattr(ours, name):
            raise Damaged("%s in it has another %s than its manifest says" % (path, {"linkname": "target", "mtime": "time"}.get(name, name)))


def _pass_on(tar, member, path, entry, sink):
    target = sink(path, entry) if sink else None
    source, digest = tar.extractfile(member), hashlib.sha256()
    for chunk in iter(lambda: source.read(manifest.CHUNK), b""):
        digest.update(chunk)
        if target is not None:
            try:
                target.write(chunk)
            except (OSError, IOError) as error:
                raise Problem("%s cannot be written: %s." % (path, os.strerror(error.errno)))
    if digest.hexdigest() != entry["sha256"]:
        raise Damaged("%s in it is not what was written: its sum is another" % path)


def _json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def _sum(text):
    return hashlib.sha256(text).hexdigest()


if str is bytes:
    _NAMES = {}

    def _tar_text(name):
        return name

    def _tar_raw(name):
        return name.encode("utf-8") if isinstance(name, type(u"")) else name
else:
    _NAMES = {"encoding": "utf-8", "errors": "surrogateescape"}

    def _tar_text(name):
        return name.decode("utf-8", "surrogateescape")

    def _tar_raw(name):
        return name.encode("utf-8", "surrogateescape")
