# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What tells whether somebody has changed a file, link or folder: kept in a journal, compared by the run that finds it."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import hashlib
import json
import os
import stat

GONE = (errno.ENOENT, errno.ENOTDIR, errno.EINVAL)


def of(top):
    """Text that a write, a replacement or a change of mode or owner of it, or of anything below it, changes; None where nothing is.

    Byte code that an ESB may write at any time is not looked at. The same on every Python. Raises OSError for what cannot be read.
    """
    top = top if isinstance(top, bytes) else os.fsencode(top)
    digest, paths, found = hashlib.sha256(), [b""], False
    while paths:
        path = paths.pop()
        whole = os.path.join(top, path) if path else top
        try:
            known, link, names = _look(whole)
        except OSError as error:
            # Gone meanwhile: that changes the text as well.
            if error.errno not in GONE:
                # Shown as text, and not as b'...'.
                error.filename = whole if str is bytes else os.fsdecode(whole)
                raise
            continue
        found = True
        paths += [os.path.join(path, name) for name in names]
        digest.update(json.dumps([len(path), len(link), known]).encode("ascii") + path + link)
    return str(digest.hexdigest()) if found else None


def _look(path):
    """(numbers, a link's target, names in a folder without byte code) of one file, link or folder."""
    seen = os.lstat(path)
    known = [stat.S_IFMT(seen.st_mode), stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid]
    if stat.S_ISDIR(seen.st_mode):
        return known, b"", without_byte_code(os.listdir(path))
    # In seconds to six digits: Python 2.7 knows no more of them.
    return known + [seen.st_ino, seen.st_size, "%.6f" % seen.st_mtime], os.readlink(path) if stat.S_ISLNK(seen.st_mode) else b"", []


def without_byte_code(names):
    """Sorted names (bytes) of a folder; what is compiled of a source beside it is left out, a component without its source is not."""
    sources = set(names)
    return sorted(name for name in names if name != b"__pycache__" and not (name.endswith((b".pyc", b".pyo")) and name[:-1] in sources))


def is_byte_code(path):
    """Whether an ESB writes a file of this name by itself: it lies in __pycache__, or its source lies beside it."""
    return os.path.basename(os.path.dirname(path)) == "__pycache__" or path.endswith((".pyc", ".pyo")) and os.path.lexists(path[:-1])


def holds_anything(path):
    """Whether there is more than folders and __pycache__: what a Python makes that looks for a place for its byte code."""
    path = path if isinstance(path, bytes) else os.fsencode(path)
    if os.path.islink(path) or not os.path.isdir(path):
        return True
    return any(holds_anything(os.path.join(path, name)) for name in os.listdir(path) if name != b"__pycache__")
