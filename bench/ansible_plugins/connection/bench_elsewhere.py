# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt)
"""For the bench: hosts whose own work happens on machines of their own, which one machine with few cores cannot show otherwise.

BENCH_RECORD names a folder: each command of a host runs here, and is noted down with its answer and how long it took.
BENCH_REPLAY names that folder: a command is not run but waited for, as long as it took, in a child process as ssh would be one; its answer is
the noted one. A host without notes is like the last one that has some. What the controller itself does is done in both cases.
"""

import json
import os
import re
import shutil
import subprocess
import time

from ansible.errors import AnsibleError
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: bench_elsewhere
short_description: Commands that are noted down, or waited for
description: See the comment above.
extends_documentation_fragment:
  - connection_pipelining
"""
MODULE = re.compile(r"AnsiballZ_(\w+)\.py")


class Connection(ConnectionBase):
    transport = "bench_elsewhere"
    has_pipelining = True

    def _connect(self):
        self._connected = True
        return self

    def close(self):
        self._connected = False

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        kind = "piped module" if in_data else (MODULE.findall(cmd) or ["command"])[0]
        if "BENCH_REPLAY" in os.environ:
            return self._replay(kind)
        began = time.monotonic()
        done = subprocess.run(["/bin/sh", "-c", cmd], input=in_data or b"", capture_output=True)
        self._note({"kind": kind, "seconds": time.monotonic() - began, "code": done.returncode,
                    "out": _text(done.stdout), "err": _text(done.stderr)})
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path, out_path):
        super().put_file(in_path, out_path)
        if "BENCH_REPLAY" in os.environ:
            subprocess.run(["sleep", "0"], check=True)
        else:
            shutil.copyfile(in_path, out_path)

    def fetch_file(self, in_path, out_path):
        raise AnsibleError("the bench has no host to fetch from")

    @property
    def _host(self):
        return self._play_context.remote_addr

    def _note(self, entry):
        with open(os.path.join(os.environ["BENCH_RECORD"], self._host), "a", encoding="ascii") as notes:
            notes.write(json.dumps(entry) + "\n")

    def _replay(self, kind):
        folder = os.environ["BENCH_REPLAY"]
        names = os.listdir(folder)
        like = self._host if self._host in names else max(names)
        with open(os.path.join(folder, like), encoding="ascii") as notes:
            entries = notes.readlines()
        entry = json.loads(entries[self._count()])
        if entry["kind"] != kind:
            raise AnsibleError("The notes of %s say %s where the playbook now does %s: they are of another run." % (like, entry["kind"], kind))
        subprocess.run(["sleep", "%.3f" % entry["seconds"]], check=True)
        out, err = (re.sub(r"\b%s\b" % re.escape(like), self._host, entry[name]) for name in ("out", "err"))
        return entry["code"], _bytes(out), _bytes(err)

    def _count(self):
        """How many commands of this host came before: its tasks run one after the other, each in a process of its own."""
        with open(os.path.join(os.environ["BENCH_COUNTS"], self._host), "ab") as counts:
            before = counts.tell()
            counts.write(b".")
        return before


def _text(data):
    return data.decode("utf-8", "surrogateescape")


def _bytes(text):
    return text.encode("utf-8", "surrogateescape")
