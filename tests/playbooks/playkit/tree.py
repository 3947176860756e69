"""What a folder holds, in a form that two moments can be compared in."""

import hashlib
import os
import stat


def is_byte_code(path):
    return path.suffix in (".pyc", ".pyo") or "__pycache__" in path.parts


def seen(folder, deep=True, without=None):
    """{path: (mode with the kind, owner, group, hash of the content or the link's goal)}; byte code, lock files and one more path left out."""
    found = {}
    for path in [folder, *sorted(folder.rglob("*") if deep else folder.glob("*"))]:
        if is_byte_code(path.relative_to(folder)) or path.name.endswith(".lock") or path == without:
            continue
        about = path.lstat()
        content = ""
        if stat.S_ISLNK(about.st_mode):
            content = os.readlink(path)
        elif stat.S_ISREG(about.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        found[str(path)] = (oct(about.st_mode), about.st_uid, about.st_gid, content)
    return found
