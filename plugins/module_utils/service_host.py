# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The unit of the service on one host: what is there, whether it can be, and the change from one state to another.

A state is a dict {text, mode, enabled, active} of a unit file of ours; None: there is none of ours. What is not ours is left alone.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import grp
import io
import json
import os
import re
import stat
import subprocess
import threading

from ansible.module_utils.common.text.converters import to_bytes, to_text

from ansible_collections.ding.blueking.plugins.module_utils import our_channels, service_unit
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

COMMAND_SECONDS = 120
RUNNING = ("active", "activating", "reloading", "deactivating")
SHOWN_CHARACTERS = 400
RECORD_FORMAT = 1


def place(esb, owner=""):
    """A service_unit.Place from an esb_python.Esb. owner: see there. Raises Problem."""
    script = script_of(esb)
    environment = dict(BK_ENV="production", BK_FILE_PATH=esb.inside(esb.key_file), PAAS_LOGGING_DIR=esb.inside(esb.logs))
    if esb.in_container:
        # exec -i NAME python: without -i, since nothing is written to it.
        options = [word for word in esb.words[2:-1] if word not in ("-i", "--interactive", "-t", "-it", "-ti")]
        return service_unit.Place(environment, esb.words[-1:], script, engine=[program(esb.words[0])] + options, owner=owner)
    user = esb.user()
    try:
        group = grp.getgrgid(user.pw_gid).gr_name
    except KeyError:
        group = "%d" % user.pw_gid
    return service_unit.Place(environment, [program(esb.words[0])] + esb.words[1:], script, user.pw_name, group)


def script_of(esb):
    """The service's program, as the ESB's Python sees it."""
    return "/".join([esb.inner_home, "components/generic/apis", our_channels.PACKAGE, "_service.py"])


def program(word):
    """The path of a program: systemd 219 looks for none by itself."""
    places = [] if "/" in word else [os.path.join(each, word) for each in os.environ.get("PATH", "").split(os.pathsep)]
    return next((path for path in places if os.path.isfile(path) and os.access(path, os.X_OK)), word)


def desired(esb, unit, esb_unit, target, owner=""):
    """The state in which the service runs beside this ESB. unit: a Unit; esb_unit, target: units that it names where they are known. Raises Problem."""
    version = unit.version()
    if version is None:
        raise Problem("systemd does not run on this host, so %s cannot be kept by it: set ding_service_mode to external or none." % unit.name)
    taken = unit.taken()
    if taken:
        raise Problem("The unit %s cannot be written: %s. Move it away, or set ding_service_unit." % (unit.name, taken))
    text = service_unit.text(place(esb, owner), unit.name, unit.known(esb_unit), unit.known(target), version)
    return dict(text=text, mode=service_unit.MODE, enabled=True, active=True)


class Unit:
    """One unit. run: a function as systemctl() is, for tests."""

    def __init__(self, name, folder, run=None):
        self.name = name
        self.path = os.path.join(folder, name)
        self._folder = folder
        self._run = run or systemctl

    def version(self):
        """systemd's version; None where systemd does not run."""
        code, said = self._run(["show", "--no-pager", "-p", "Version"])
        found = re.search(r"^Version=(?:systemd )?([0-9]+)", said, re.MULTILINE) if code == 0 else None
        return int(found.group(1)) if found else None

    def known(self, name):
        """The name, when systemd has such a unit; else ""."""
        return name if name and self.values(name).get("LoadState") == "loaded" else ""

    def values(self, name=None):
        """{LoadState, ActiveState, UnitFileState, FragmentPath}; {} without systemd."""
        wanted = ["-p", "LoadState", "-p", "ActiveState", "-p", "UnitFileState", "-p", "FragmentPath"]
        code, said = self._run(["show", "--no-pager"] + wanted + ["--", name or self.name])
        return dict(each.split("=", 1) for each in said.splitlines() if "=" in each) if code == 0 else {}

    def file(self):
        """(text, mode) of the unit file; (None, None) without one. Raises Problem."""
        try:
            mode = stat.S_IMODE(os.stat(self.path).st_mode)
            with io.open(self.path, encoding="utf-8", errors="replace") as handle:
                return handle.read(), mode
        except (IOError, OSError) as error:
            # A link to nowhere is something, and none of ours.
            if error.errno == errno.ENOENT and not os.path.islink(self.path):
                return None, None
            if error.errno == errno.ENOENT:
                return u"", None
            raise Problem("%s cannot be read: %s." % (self.path, os.strerror(error.errno)))

    def state(self):
        """What is there of ours."""
        found, mode = self.file()
        if not service_unit.is_ours(found):
            return None
        values = self.values()
        return dict(text=found, mode=mode, enabled=values.get("UnitFileState", "").startswith("enabled"), active=values.get("ActiveState") in RUNNING)

    def others(self, script):
        """Units of ours for the same program under other names: ding_service_unit was changed."""
        try:
            names = sorted(os.listdir(self._folder))
        except OSError:
            return []
        found = [Unit(name, self._folder, self._run) for name in names if name.endswith(".service") and name[0] != "." and name != self.name]
        return [each for each in found if service_unit.is_ours(each.text()) and script in each.text()]

    def text(self):
        """The unit file's text; None where it cannot be read."""
        try:
            return self.file()[0]
        except Problem:
            return None

    def remove(self):
        """Stops it and takes it away. Raises Problem."""
        self._go(self.state())

    def taken(self):
        """Why this name cannot be used; "" when it can."""
        found = self.file()[0]
        if found is not None and not service_unit.is_ours(found):
            return "%s is there already, and not ours" % self.path
        values = self.values()
        if values.get("LoadState") == "masked":
            return "%s is masked" % self.name
        if values.get("LoadState") == "loaded" and values.get("FragmentPath") and os.path.realpath(values["FragmentPath"]) != os.path.realpath(self.path):
            return "there is another unit of this name, %s" % values["FragmentPath"]
        return ""

    # --- changes --------------------------------------------------------------------------------------------------

    def become(self, now, wanted):
        """From the state `now` to the state `wanted`. Raises Problem."""
        if wanted is None:
            return self._go(now)
        changed = not now or (now["text"], now["mode"]) != (wanted["text"], wanted["mode"])
        if changed:
            if now and now["active"]:
                # First: a run that is killed behind the change of the file leaves a unit that is seen to be stopped, and is started by the next.
                self._told("stop", self.name)
            self._write(wanted)
            self._told("daemon-reload")
        if wanted["enabled"]:
            if not now or not now["enabled"]:
                self._told("enable", self.name)
            elif changed:
                # [Install] may name another target.
                self._told("reenable", self.name)
        elif now and now["enabled"]:
            self._told("disable", self.name)
        if not wanted["active"]:
            if now and now["active"] and not changed:
                self._told("stop", self.name)
        elif changed or not now["active"]:
            if not changed:
                # Its file may be newer than what systemd has read.
                self._told("daemon-reload")
            self._told("start", self.name)
        return None

    def start(self):
        self._told("start", self.name)

    def stop(self):
        self._told("stop", self.name)

    def _go(self, now):
        if now is None:
            return
        self._told("stop", self.name)
        if now["enabled"]:
            self._told("disable", self.name)
        try:
            os.unlink(self.path)
        except OSError as error:
            raise Problem("%s cannot be removed: %s." % (self.path, os.strerror(error.errno)))
        self._told("daemon-reload")
        # A failed state of a unit that is gone would be listed for ever. Without one this is an error.
        self._run(["reset-failed", self.name])

    def _write(self, state):
        staged = os.path.join(os.path.dirname(self.path), ".%s.new" % self.name)
        try:
            if os.path.lexists(staged):
                os.unlink(staged)
            write_new(staged, to_bytes(state["text"]), state["mode"])
            os.rename(staged, self.path)
        except (IOError, OSError) as error:
            raise Problem("%s cannot be written: %s." % (self.path, os.strerror(error.errno)))

    def _told(self, *words):
        code, said = self._run(list(words))
        if code:
            raise Problem("systemctl %s ended with %d: %s. journalctl -n 20 -u %s may say more."
                          % (" ".join(words), code, said or "it printed nothing", self.name))


def write_new(path, data, mode):
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        os.fchmod(handle.fileno(), mode)
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())


def systemctl(words):
    """(exit code, what it printed); it is killed at the limit."""
    try:
        child = subprocess.Popen(  # pylint: disable=ansible-bad-function
            ["systemctl"] + words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, close_fds=True, cwd="/",
            env=dict(os.environ, LC_ALL="C"))
    except OSError as error:
        return 127, "it cannot be started (%s)" % os.strerror(error.errno)
    timer = threading.Timer(COMMAND_SECONDS, child.kill)
    timer.start()
    try:
        out = child.communicate(b"")[0]
    finally:
        timer.cancel()
    return child.returncode, to_text(out, errors="replace").strip()[-SHOWN_CHARACTERS:].rstrip(".")


# --- records beside the backups -----------------------------------------------------------------------------------------

def record_path(folder, name):
    return os.path.join(folder, "service", "%s.json" % name)


def save(folder, name, unit, state):
    """Writes a unit's state down for the backup NAME in `folder`, and forgets those whose backups are gone. Raises Problem.

    A backup that a later run uses again, since nothing it holds has changed, has the state before that run.
    """
    path = record_path(folder, name)
    records = os.path.dirname(path)
    try:
        if not os.path.isdir(records):
            os.mkdir(records, 0o700)
        staged = path + ".part"
        if os.path.lexists(staged):
            os.unlink(staged)
        write_new(staged, json.dumps(dict(format=RECORD_FORMAT, unit=unit, state=state), sort_keys=True).encode("ascii"), 0o600)
        os.rename(staged, path)
        for each in os.listdir(records):
            if each.endswith(".json") and each != os.path.basename(path) and not os.path.exists(os.path.join(folder, each[:-len(".json")] + ".tar.gz")):
                os.unlink(os.path.join(records, each))
    except (IOError, OSError) as error:
        raise Problem("%s cannot be written: %s." % (path, os.strerror(error.errno)))


def saved(folder, name):
    """(the unit's name, its state) that belong to a backup; (None, None) without one, as for a backup that is older than the service. Raises Problem."""
    path = record_path(folder, name)
    try:
        with io.open(path, "rb") as handle:
            record = json.loads(handle.read().decode("ascii"))
        state = record["state"]
        if state is None:
            return None, None
        return to_text(record["unit"]), dict(text=to_text(state["text"]), mode=int(state["mode"]), enabled=bool(state["enabled"]), active=bool(state["active"]))
    except (IOError, OSError) as error:
        if error.errno == errno.ENOENT:
            return None, None
        raise Problem("%s cannot be read: %s." % (path, os.strerror(error.errno)))
    except (ValueError, KeyError, TypeError):
        raise Problem("%s cannot be read: it says what the unit of the service was. Move it away, and there was none." % path)
