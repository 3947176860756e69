# -*- coding: utf-8 -*-
"""Messages that wait on this host's disk: workers append, the service reads. Nothing that was answered for is ever lost.

Workers know `append` and `waiting` only. An entry is one line, `<crc32> <length> <JSON>`: what a killed worker left half
written is told apart from what a disk has spoilt.
"""
from __future__ import absolute_import, division, print_function

import errno
import fcntl
import io
import json
import os
import re
import zlib
from collections import namedtuple
from contextlib import contextmanager

from . import locks

FOLDER = "outbox"
IN, LOCK, STATE, STATUS, DEAD = "in.log", "lock", "state.json", "status.json", "dead.log"
_TAKE = re.compile(r"^take\.([0-9]+)\.log$")
_FRAME = re.compile(br"^([0-9a-f]{8}) ([0-9]{1,9}) ")
# A file of dead letters that nobody removes does not grow for ever.
MOST_DEAD_BYTES = 20 * 1024 * 1024

# in, out: messages that came and went; bytes likewise.
Counts = namedtuple("Counts", "came went bytes_came bytes_went")

# Where an entry lies: its file's number, its place in it, and its bytes there.
Place = namedtuple("Place", "take index offset length")


def sync_folder(folder):
    """Make the names in a folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder):
    """A private folder below one that is there, as lasting as what will be in it."""
    try:
        os.mkdir(folder, 0o700)
    except OSError as error:
        if error.errno != errno.EEXIST:
            raise
        return
    sync_folder(os.path.dirname(folder))


def replace(path, data, lasting=True):
    """Bytes in place of a file's, in one step."""
    staged = path + ".new"
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        _write(descriptor, data)
        if lasting:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(staged, path)
    if lasting:
        sync_folder(os.path.dirname(path))


def as_json(value):
    return json.dumps(value, sort_keys=True).encode("utf-8")


def _write(descriptor, data):
    while data:
        data = data[os.write(descriptor, data):]


def frame(entry):
    """An entry as the bytes of its line."""
    text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    data = text.encode("utf-8")
    return b"%s %d %s\n" % (b"%08x" % (zlib.crc32(data) & 0xFFFFFFFF), len(data), data)


def read_frame(line):
    """(entry, False); (None, False) for what was never finished; (None, True) for what a disk has spoilt. line: without its end."""
    found = _FRAME.match(line)
    if found is None:
        # Zeros are what a power cut leaves of bytes that were not synced.
        return None, bool(line.strip(b"\0")) and b"\0" not in line and len(line) > 18 and line.endswith(b"}")
    data = line[found.end():]
    # The sum says more than the length.
    if zlib.crc32(data) & 0xFFFFFFFF == int(found.group(1), 16):
        try:
            entry = json.loads(data.decode("utf-8"))
        except ValueError:
            entry = None
        if isinstance(entry, dict):
            return entry, False
    never_finished = len(data) < int(found.group(2)) or data.endswith(b"\0")
    return None, not never_finished


class Unsure(EnvironmentError):
    """A message may be stored, or not: the disk has failed behind it."""


class Outbox(object):
    """One robot's or person's outbox on this host."""

    def __init__(self, base, key):
        """base: the folder of all outboxes; key: this one's name in it."""
        self.key = key
        self.folder = os.path.join(base, key)

    def path(self, name):
        return os.path.join(self.folder, name)

    # --- workers --------------------------------------------------------------------------------------------------

    def append(self, entry, refused=lambda: None):
        """Store an entry for good. Counts as they were before it. Raises EnvironmentError, and the entry is not stored; but Unsure where a
        disk that took it fails to make it last, or to take it back.

        refused: called under the lock, gives an error when nothing may be stored any more.
        """
        make_folder(os.path.dirname(self.folder))
        make_folder(self.folder)
        with self.locked() as lock:
            error = refused()
            if error:
                raise error
            counts = _read_counts(lock)
            line = frame(dict(entry, n=counts.came + 1))
            descriptor = os.open(self.path(IN), os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            size = os.fstat(descriptor).st_size
            try:
                self._append_line(descriptor, size, line)
                _write_counts(lock, counts._replace(came=counts.came + 1, bytes_came=counts.bytes_came + len(line)))
                if not size:
                    sync_folder(self.folder)
            except Exception as error:
                is_cut = _cut(descriptor, size)
                os.close(descriptor)
                if not is_cut and isinstance(error, EnvironmentError):
                    raise Unsure(error.errno, error.strerror)
                raise
        try:
            # After the lock is given back: the kernel joins what several workers wait for. A file that the service has
            # taken meanwhile is still the same file.
            os.fsync(descriptor)
        except EnvironmentError as error:
            raise Unsure(error.errno, error.strerror)
        finally:
            os.close(descriptor)
        return counts

    @staticmethod
    def _append_line(descriptor, size, line):
        if size:
            os.lseek(descriptor, size - 1, os.SEEK_SET)
            if os.read(descriptor, 1) != b"\n":
                # What a killed worker left: nobody was told that it is stored.
                line = b"\n" + line
        _write(descriptor, line)

    def counts(self):
        """What came and went. All zero for an outbox that is not there."""
        try:
            with io.open(self.path(LOCK), "rb") as lock:
                with locks.held(lock, fcntl.LOCK_SH):
                    return _read_counts(lock.fileno())
        except EnvironmentError:
            return Counts(0, 0, 0, 0)

    def waiting(self):
        counts = self.counts()
        return max(0, counts.came - counts.went)

    @contextmanager
    def locked(self):
        """The descriptor of the lock file, with nobody else at the outbox."""
        descriptor = os.open(self.path(LOCK), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            with locks.held(descriptor, fcntl.LOCK_EX):
                yield descriptor
        finally:
            os.close(descriptor)

    # --- the service ----------------------------------------------------------------------------------------------

    def take(self, first):
        """(number of the file of what workers have appended, or None; the Counts of that moment).

        first: the least number that a file may get. The file is read later, for workers wait meanwhile.
        """
        with self.locked() as lock:
            number = None
            if os.path.exists(self.path(IN)) and not os.path.getsize(self.path(IN)):
                # A full disk left it.
                os.unlink(self.path(IN))
            elif os.path.exists(self.path(IN)):
                number = max([first - 1] + self.takes()) + 1
                os.rename(self.path(IN), self.path("take.%d.log" % number))
                sync_folder(self.folder)
            return number, _read_counts(lock)

    def settle(self, seen, messages, size):
        """Put the counts right: of what had come when it was last taken (seen: Counts) so many messages and bytes still wait."""
        with self.locked() as lock:
            counts = _read_counts(lock)
            # Counts that a power cut took begin anew below what waits.
            more, more_bytes = max(0, messages - seen.came), max(0, size - seen.bytes_came)
            right = Counts(counts.came + more, seen.came + more - messages, counts.bytes_came + more_bytes, seen.bytes_came + more_bytes - size)
            if right != counts:
                _write_counts(lock, right)

    def takes(self):
        """The numbers of the files that the service has taken, in their order."""
        found = [_TAKE.match(name) for name in os.listdir(self.folder)]
        return sorted(int(each.group(1)) for each in found if each)

    def scan(self, number):
        """(Place, entry or None, line) of each line of a taken file. None: not an entry, see read_frame."""
        offset = index = 0
        with io.open(self.path("take.%d.log" % number), "rb") as taken:
            for line in taken:
                entry, spoilt = read_frame(line.rstrip(b"\n"))
                if entry is not None or spoilt:
                    yield Place(number, index, offset, len(line)), entry, line
                    index += 1
                offset += len(line)

    def read(self, place):
        """The entry at a place."""
        with io.open(self.path("take.%d.log" % place.take), "rb") as taken:
            taken.seek(place.offset)
            return read_frame(taken.read(place.length).rstrip(b"\n"))[0]

    def remove_take(self, number):
        os.unlink(self.path("take.%d.log" % number))

    def read_state(self):
        """What state.json says; None without one. Raises EnvironmentError: what cannot be read for a moment is not nothing."""
        try:
            with io.open(self.path(STATE), "rb") as stored:
                return json.loads(stored.read().decode("utf-8"))
        except ValueError:
            return {}
        except EnvironmentError as error:
            if error.errno != errno.ENOENT:
                raise
            return None

    def read_json(self, name):
        """A JSON file of the outbox; None when it is not there or cannot be read."""
        return read_json(self.path(name))

    def write_json(self, name, value, lasting=True):
        replace(self.path(name), as_json(value), lasting)

    def bury(self, letters):
        """Append dead letters (dicts with an id) for the operator; one that is there already is not written again."""
        size = os.path.getsize(self.path(DEAD)) if os.path.exists(self.path(DEAD)) else 0
        there = set(each.get("id") for each in self.dead()) if size else set()
        lines = [json.dumps(each, ensure_ascii=False, sort_keys=True).encode("utf-8") + b"\n" for each in letters if each.get("id") not in there]
        if not lines:
            return
        if size > MOST_DEAD_BYTES:
            os.rename(self.path(DEAD), self.path(DEAD + ".old"))
        descriptor = os.open(self.path(DEAD), os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        size = os.fstat(descriptor).st_size
        try:
            self._append_line(descriptor, size, b"".join(lines))
            os.fsync(descriptor)
        except Exception:
            _cut(descriptor, size)
            raise
        finally:
            os.close(descriptor)
        sync_folder(self.folder)

    def dead(self):
        """The dead letters that nobody has removed."""
        found = []
        for name in (DEAD + ".old", DEAD):
            try:
                with io.open(self.path(name), "rb") as lines:
                    for line in lines:
                        try:
                            found.append(json.loads(line.decode("utf-8")))
                        except ValueError:
                            continue
            except EnvironmentError:
                continue
        return [each for each in found if isinstance(each, dict)]


def _cut(descriptor, size):
    """What was written behind `size` is taken back, as far as the disk lets it. Whether it is."""
    try:
        os.ftruncate(descriptor, size)
    except EnvironmentError:
        return False
    return True


def read_json(path):
    """A JSON file's value; None when it is not there or cannot be read."""
    try:
        with io.open(path, "rb") as stored:
            return json.loads(stored.read().decode("utf-8"))
    except (EnvironmentError, ValueError):
        return None


def all_keys(base):
    """The names of all outboxes of this host."""
    try:
        names = os.listdir(base)
    except EnvironmentError:
        return []
    return sorted(name for name in names if os.path.isdir(os.path.join(base, name)) and not name.startswith("."))


def _read_counts(lock):
    os.lseek(lock, 0, os.SEEK_SET)
    try:
        found = json.loads(os.read(lock, 4096).decode("utf-8"))
        return Counts(*[int(found[name]) for name in ("in", "out", "bytes_in", "bytes_out")])
    except (ValueError, KeyError, TypeError):
        return Counts(0, 0, 0, 0)


def _write_counts(lock, counts):
    data = json.dumps(dict(zip(("in", "out", "bytes_in", "bytes_out"), counts))).encode("utf-8")
    os.lseek(lock, 0, os.SEEK_SET)
    _write(lock, data)
    os.ftruncate(lock, len(data))
