# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""For the tests of backups: a site on disk, an ESB that needs no Django, what a folder holds, and runs that are killed."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import hashlib
import json
import os
import stat
import sys

from ansible_collections.ding.blueking.plugins.module_utils import backup_states, conf_block, our_channels
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

KILLED = 9
OLD = 1600000000
SECRET = "not-a-secret-but-" + "z" * 20
DEFAULTS = dict(state="present", name=None, keep=10, backup="latest", scope="both", rows=True, overwrite=False, verify=False, platform_version="2.12.25")


def write(path, content, mode=0o644, mtime=OLD):
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        os.makedirs(folder)
        os.chmod(folder, 0o755)
    with open(path, "wb") as handle:
        handle.write(content if isinstance(content, bytes) else content.encode("utf-8"))
    os.chmod(path, mode)
    os.utime(path, (mtime, mtime))


def seen(folder, times=True):
    """{path: everything about it} below a folder, found out without the code that is tested."""
    found = {}
    folder = folder if isinstance(folder, bytes) else folder.encode("utf-8")
    for path, folders, files in os.walk(folder):
        for name in [b"."] + folders + files:
            whole = os.path.join(path, name)
            status = os.lstat(whole)
            what = None
            if stat.S_ISLNK(status.st_mode):
                what = os.readlink(whole)
            elif stat.S_ISREG(status.st_mode):
                with open(whole, "rb") as handle:
                    what = hashlib.sha256(handle.read()).hexdigest(), int(status.st_mtime) if times else None
            found[os.path.relpath(whole, folder)] = (status.st_mode, status.st_uid, status.st_gid, what)
    return found


def part(found, top):
    return dict((path, value) for path, value in found.items() if path == top or path.startswith(top + b"/"))


class FakeEsb:
    """An ESB's folder, with rows in a file in place of a database."""

    def __init__(self, home):
        self.home = str(home)
        self.generic = os.path.join(self.home, "components", "generic")
        self.apis = os.path.join(self.generic, "apis")
        self.database = os.path.join(self.home, "rows.json")
        self.calls = []
        self.broken = False

    def check(self):
        pass

    def call(self, function, argument, modules):
        self.calls.append(function)
        if self.broken:
            raise Problem("The ESB's database cannot be used: OperationalError: gone away")
        now = self.rows
        if function == "esb_rows.snapshot":
            assert sorted(argument["paths"]) == our_channels.PATHS
            return now
        wanted = argument["snapshot"]
        if not argument["check"]:
            self.rows = wanted
        shown = [dict((row["columns"]["path"], {"is_active": row["columns"]["is_active"], "settings": {"ding_app_secret": "(hidden)"}})
                      for row in each["rows"]) for each in (now, wanted)]
        return {"changed": now != wanted, "before": shown[0], "after": shown[1]}

    @property
    def rows(self):
        with open(self.database) as handle:
            return json.load(handle)

    @rows.setter
    def rows(self, value):
        with open(self.database, "w") as handle:
            json.dump(value, handle)


def rows(*paths):
    conf = json.dumps([["ding_app_key", "dingnotreal"], ["ding_app_secret", SECRET]])
    return {"rows": [{"columns": {"path": path, "is_active": True, "comp_conf": conf}} for path in paths], "message_types": {}}


def site(folder):
    """An ESB as a site has it, with everything that a folder can hold."""
    esb = FakeEsb(folder)
    apis = esb.apis
    write(apis + "/__init__.py", "")
    write(apis + "/conf.py", "# -*- coding: utf-8 -*-\nCHANNELS = [('/site/own/', {'comp_codename': 'generic.site.own'})]\n", 0o640)
    write(apis + "/conf.pyc", b"\x03\xf3\r\nbyte code of conf")
    write(apis + "/__pycache__/conf.cpython-36.pyc", b"byte code of conf")
    write(apis + "/site/own.py", u"# \u4e2d\u6587\nX = 1\n")
    write(apis + "/site/own.pyc", b"byte code of own")
    write(apis + "/site/only.pyc", b"a component without its source")
    write(apis + "/site/toolkit/tool.sh", "#!/bin/sh\n", 0o4755)
    write(apis + "/cmsi/send_ding.py", "original\n")
    write(apis + "/cmsi/toolkit/configs.py", "original\n")
    os.mkdir(apis + "/empty", 0o700)
    os.symlink("site/own.py", apis + "/alias.py")
    os.symlink("/nowhere/outside", apis + "/outside")
    write(apis.encode("utf-8") + b"/site/\xb2\xe2\\x.txt", "a name of another time")
    if os.geteuid() == 0:
        os.lchown(apis + "/alias.py", 4242, 4243)
        os.chown(apis + "/site/own.py", 4242, 4243)
        os.chown(apis + "/site/toolkit/tool.sh", 4242, 4242)
        os.chmod(apis + "/site/toolkit/tool.sh", 0o4755)
    esb.rows = rows()
    return esb


def install(esb):
    """What an install does, the original release replaced."""
    apis = esb.apis
    write(apis + "/ding_blueking/__init__.py", "")
    write(apis + "/ding_blueking/send_ding.py", "ours\n")
    write(apis + "/ding_blueking/toolkit/version.py", '__version__ = "1.0.0"\n')
    with open(apis + "/conf.py", "rb") as handle:
        conf = handle.read()
    write(apis + "/conf.py", conf_block.add(conf), 0o640, OLD + 5)
    for name in ("conf.pyc", "__pycache__/conf.cpython-36.pyc", "cmsi/send_ding.py", "cmsi/toolkit/configs.py"):
        os.unlink(os.path.join(apis, name))
    for name in ("__pycache__", "cmsi/toolkit", "cmsi"):
        os.rmdir(os.path.join(apis, name))
    esb.rows = rows(*our_channels.PATHS)


def restart(esb):
    """Python's own byte code, as a service leaves it."""
    for path, dummy, files in os.walk(esb.apis):
        for name in files:
            if name.endswith(".py"):
                write(os.path.join(path, name + "c"), "byte code of now", mtime=OLD + 50)
                write(os.path.join(path, "__pycache__", name[:-3] + ".cpython-36.pyc"), "byte code of now", mtime=OLD + 50)


def run(esb, folder, check=False, **params):
    params = dict(DEFAULTS, dir=str(folder), **params)
    return backup_states.STATES[params["state"]](backup_states.Work(esb, params, check))


def in_child(work):
    """Runs it in a child process; returns its exit code: 0 when it came to its end."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.WEXITSTATUS(os.waitpid(child, 0)[1])


def killed_at_line(number, work):
    """Runs it in a child that dies, nothing flushed, before the so many-th line of our code; returns the exit code."""
    ours = os.path.dirname(os.path.abspath(backup_states.__file__))
    left = [number]

    def child():
        def trace(frame, event, dummy):
            if not os.path.abspath(frame.f_code.co_filename).startswith(ours):
                return None
            if event == "line":
                left[0] -= 1
                if left[0] == 0:
                    os._exit(KILLED)
            return trace

        sys.settrace(trace)
        work()

    return in_child(child)


CALLS = ("rename", "link", "unlink", "remove", "mkdir", "rmdir", "symlink", "fsync", "utime")


def killed_at_call(number, work):
    """Runs it in a child that dies at the so many-th call that changes the file system; returns the exit code."""
    left = [number]

    def counted(real):
        def call(*arguments, **keywords):
            left[0] -= 1
            if left[0] == 0:
                os._exit(KILLED)
            return real(*arguments, **keywords)
        return call

    def child():
        for name in CALLS:
            setattr(os, name, counted(getattr(os, name)))
        work()

    return in_child(child)
