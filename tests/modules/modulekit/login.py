"""An unprivileged login with sudo to root, in a mount namespace of its own: umask 077 and a noexec /tmp if wanted."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

NAME, ID = "ding-login", 47114
HOME = "/nonexistent"
SUDOERS = """Defaults env_reset
Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
root ALL=(ALL:ALL) ALL
%s ALL=(ALL:ALL) NOPASSWD: ALL
"""


def problem():
    """Why there can be no such login on this machine; an empty text when there can."""
    if os.geteuid():
        return "a login of its own needs root"
    for program in ("sudo", "unshare", "mount"):
        if not shutil.which(program):
            return "%s is not installed" % program
    tried = subprocess.run(["unshare", "-m", "mount", "--make-rprivate", "/"], capture_output=True, text=True)
    if tried.returncode:
        return "this machine allows no mount namespace: %s" % tried.stderr.strip()
    return ""


class Login:
    """What the namespace needs, kept in a folder; `needed` are paths that the login must be able to read."""

    def __init__(self, folder, needed, umask=0o077, noexec_tmp=True):
        self.folder = Path(folder)
        (self.folder / "stage").mkdir()
        self._spec = self.folder / "spec.json"
        self._spec.write_text(json.dumps({
            "stage": str(self.folder / "stage"), "closed": closed(needed),
            # A checkout below /tmp keeps its own interpreters.
            "runnable": sorted({str(Path(each).resolve()) for each in needed if str(Path(each).resolve()).startswith("/tmp/")}),
            "files": self._files(),
            "noexec_tmp": noexec_tmp, "umask": umask, "id": ID}), "utf-8")

    def _files(self):
        """Copies of the machine's files with the login added; {the real path: the copy}."""
        more = {
            "/etc/passwd": "%s:x:%d:%d::%s:/bin/sh\n" % (NAME, ID, ID, HOME),
            "/etc/group": "%s:x:%d:\n" % (NAME, ID),
            "/etc/shadow": "%s:*:19000:0:99999:7:::\n" % NAME,
        }
        found = {}
        for path, line in more.items():
            copy = self.folder / Path(path).name
            shutil.copy2(path, copy)
            with open(copy, "a", encoding="utf-8") as handle:
                handle.write(line)
            found[path] = str(copy)
        sudoers = self.folder / "sudoers"
        sudoers.write_text(SUDOERS % NAME, "utf-8")
        sudoers.chmod(0o440)
        return dict(found, **{"/etc/sudoers": str(sudoers)})

    def prefix(self):
        """The words before a command."""
        return ["unshare", "-m", sys.executable, "-B", str(Path(__file__).with_name("enter_login.py")), str(self._spec)]

    def own(self, folder):
        """Gives a folder with everything in it to the login."""
        for place, folders, files in os.walk(folder):
            for path in [place, *(os.path.join(place, name) for name in folders + files)]:
                os.chown(path, ID, ID, follow_symlinks=False)


def closed(needed):
    """{the first folder on the way that others may not enter: the needed paths behind it}."""
    found = {}
    for path in sorted({str(Path(each).resolve()) for each in needed}):
        for folder in [*reversed(Path(path).parents)]:
            if not folder.stat().st_mode & stat.S_IXOTH:
                paths = found.setdefault(str(folder), [])
                # What lies below a path that is mounted already comes along with it.
                if not any(path == other or path.startswith(other + os.sep) for other in paths):
                    paths.append(path)
                break
    return found
