# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Replaces files and folders under components/generic in one go, so that a run killed anywhere is finished by the next one.

New content is built in generic/.ding_blueking.<run>/, on the same file system and outside what the ESB walks. A journal
written there decides the run; from then on there are only renames, each of which can be repeated. The journal also says what
each target was then. When somebody has changed a target since that an interrupted run was still to change, the next run takes back
what the interrupted one had done, and theirs stays.
Callers hold lock() around recover() and stage(). Targets are paths relative to `generic`.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import binascii
import contextlib
import errno
import fcntl
import json
import os
import pwd
import shutil
import stat
import time

from ansible_collections.ding.blueking.plugins.module_utils import fingerprint
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

PREFIX = ".ding_blueking."
JOURNAL = "journal.json"
POLL_SECONDS = 0.1
# What a target was when a run was decided, for one whose changes do not count.
ANYTHING = "anything"
# What has become of a step: still to be done, done, done and changed since, changed before it was done; GONE: of no concern any more.
DUE, DONE, EDITED, OVERTAKEN, GONE = "due", "done", "edited", "overtaken", "gone"


@contextlib.contextmanager
def lock(generic, seconds=30):
    """Holds the folder against other runs of ours; nothing is written. Raises Problem when another holds it for so long."""
    try:
        folder = os.open(generic, os.O_RDONLY)
    except OSError as error:
        raise Problem("The folder %s cannot be opened: %s." % (generic, os.strerror(error.errno)))
    try:
        fcntl.fcntl(folder, fcntl.F_SETFD, fcntl.fcntl(folder, fcntl.F_GETFD) | fcntl.FD_CLOEXEC)
        end = time.time() + seconds
        while not _locked(folder, generic):
            if time.time() >= end:
                raise Problem("Another run is changing %s and did not end within %d s: let it end, then start again." % (generic, seconds))
            time.sleep(POLL_SECONDS)
        yield
    finally:
        os.close(folder)


def _locked(folder, generic):
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except (IOError, OSError) as error:
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EINTR):
            return False
        raise Problem("The folder %s cannot be locked: %s." % (generic, os.strerror(error.errno)))


def pending(generic):
    """What recover() will do: {target: absolute path of what will be there, or None}. Writes nothing."""
    decided = {}
    try:
        for run in _decided_runs(generic):
            for step, goes_on in run.left():
                decided[step.name] = step.ahead() if goes_on else step.behind()
    except (OSError, IOError) as error:
        raise _unfinished(generic, error)
    return decided


def recover(generic):
    """Finishes or takes back what interrupted runs had decided, removes what undecided ones left. Returns the targets that it did so with."""
    finished = []
    try:
        for run in _decided_runs(generic):
            steps = run.left()
            run.perform(steps)
            run.close()
            finished += [step.name for step, dummy in steps]
        for folder in _run_folders(generic):
            _throw_away(folder)
    except (OSError, IOError) as error:
        raise _unfinished(generic, error)
    return finished


@contextlib.contextmanager
def stage(generic):
    """A place to build new content in; without commit(), nothing of it is left. An OSError inside becomes a Problem."""
    folder = os.path.join(generic, PREFIX + str(binascii.hexlify(os.urandom(6)).decode("ascii")))  # never unicode: names below may be any bytes
    try:
        os.mkdir(folder, 0o700)
        yield _Stage(generic, folder)
    except (OSError, IOError) as error:
        raise Problem("Nothing was changed in %s, since the new files cannot be written: %s." % (generic, error))
    finally:
        # A journal that is still there belongs to the next run.
        if os.path.isdir(folder) and not os.path.lexists(os.path.join(folder, JOURNAL)):
            _throw_away(folder)


def changed_meanwhile(path):
    """The Problem of a caller that sees, right before commit(), that its plan is no longer right."""
    return Problem("%s was changed by something else while its change was prepared. Nothing was changed: start again." % path)


def own_names(generic, target):
    """How many names the target's file has in the folders of interrupted runs: recover() takes them away."""
    path = os.path.join(generic, target)
    try:
        return sum(_same_file(os.path.join(folder, name), path) for folder in _run_folders(generic) for name in os.listdir(folder))
    except OSError:
        # A run's folder that is not ours, or that has just gone.
        return 0


def byte_code(path):
    """The files that hold compiled code of a source X.py and are there: X.pyc, X.pyo, __pycache__/X.*"""
    if not path.endswith(".py"):
        return []
    stem = path[:-len(".py")]
    cache = os.path.join(os.path.dirname(path), "__pycache__")
    start = os.path.basename(stem) + "."
    found = [stem + end for end in (".pyc", ".pyo") if os.path.lexists(stem + end)]
    if os.path.isdir(cache) and not os.path.islink(cache):
        found += [os.path.join(cache, name) for name in sorted(os.listdir(cache)) if name.startswith(start)]
    return [path for path in found if os.path.islink(path) or not os.path.isdir(path)]


class _Stage:
    def __init__(self, generic, folder):
        self._generic = generic
        self._folder = folder
        self._steps = []

    def put(self, target):
        """Where to build what shall be at the target: a file, a folder or a link."""
        return self._add(target, True).new

    def delete(self, target):
        """The target shall be gone, with the byte code of a source."""
        self._add(target, False)

    def commit(self):
        """Decides and performs the steps in their order. When one cannot be done, all are undone and Problem says why."""
        for step in self._steps:
            step.check()
        run = _Run(self._generic, self._folder, self._steps)
        run.decide()
        try:
            run.perform([(step, True) for step in run.steps])
        except (OSError, IOError) as error:
            self._undo(run, error)
            raise Problem("Nothing was changed in %s, since one step was refused: %s." % (self._generic, error))
        try:
            run.close()
        except (OSError, IOError) as error:
            raise _unfinished(self._generic, error)

    def _undo(self, run, reason):
        try:
            run.undo()
            run.close()
        except (OSError, IOError) as error:
            raise Problem("The change of %s stopped half-way (%s) and cannot be undone (%s): when that is mended, start again, "
                          "and the next run finishes it." % (self._generic, reason, error))

    def _add(self, target, is_put):
        _check_name(target)
        for other in self._steps:
            if (target + "/").startswith(other.name + "/") or (other.name + "/").startswith(target + "/"):
                raise ValueError("%s and %s are in each other's way" % (target, other.name))
        self._steps.append(_Step(self._generic, self._folder, len(self._steps), target, is_put))
        return self._steps[-1]


class _Step:
    """One target. `new` is where its new content waits (None: it goes), `old` where the former one is kept until the end.

    `seen` is the target's fingerprint when the run was decided, `made` that of the new content.
    """

    def __init__(self, generic, folder, number, name, is_put, seen=ANYTHING, made=ANYTHING):
        self.name = name
        self.seen, self.made = seen, made
        self.target = os.path.join(generic, name)
        self.new = os.path.join(folder, "new.%d" % number) if is_put else None
        self.old = os.path.join(folder, "old.%d" % number)

    def check(self):
        if self.new and not os.path.lexists(self.new):
            raise ValueError("nothing was built for %s" % self.name)
        if self.new and not os.path.isdir(os.path.dirname(self.target)):
            raise Problem("The folder %s is missing." % os.path.dirname(self.target))

    def note(self):
        """For the journal."""
        is_ours = fingerprint.is_byte_code(self.target)
        self.seen = ANYTHING if is_ours else fingerprint.of(self.target)
        self.made = ANYTHING if is_ours or not self.new else fingerprint.of(self.new)

    def state(self):
        """What has become of it, after the run was interrupted anywhere."""
        there, kept = os.path.lexists(self.target), os.path.lexists(self.old)
        if not self.new:
            if not there:
                return DONE if os.path.isdir(os.path.dirname(self.target)) else GONE
            # Somebody has made it anew behind the run.
            return GONE if kept else self._due_if(self.seen)
        if not os.path.lexists(self.new) or _same_file(self.new, self.target):
            return GONE if not there else DONE if self._is(self.made) else EDITED
        if not there:
            # A target that was moved away by the run, or was not there before.
            has_place = os.path.isdir(os.path.dirname(self.target))
            return DUE if has_place and (kept or self.seen in (None, ANYTHING)) else OVERTAKEN
        if kept and not (_is_file(self.old) and _is_file(self.new)):
            if fingerprint.holds_anything(self.target):
                raise Problem("An interrupted run had moved %s away to %s, and somebody has put something else there since: take that away, "
                              "start again, then bring back what you need of it." % (self.target, self.old))
            return DUE
        return self._due_if(self.seen)

    def _due_if(self, known):
        return DUE if self._is(known) else OVERTAKEN

    def _is(self, known):
        return known == ANYTHING or fingerprint.of(self.target) == known

    def ahead(self):
        """Where what will be at the target is now, if the step is done: a path or None."""
        place = self.new if self.new and os.path.lexists(self.new) else self.target
        return place if self.new and os.path.lexists(place) else None

    def behind(self):
        """The same, if it is taken back."""
        return self.old if os.path.lexists(self.old) else None

    def is_touched(self):
        """Whether taking it back changes anything."""
        if os.path.lexists(self.old):
            return not _same_file(self.old, self.target)
        return bool(self.new) and os.path.lexists(self.target) and not os.path.lexists(self.new)

    def forward(self):
        if not self.new:
            if os.path.lexists(self.target) and not os.path.lexists(self.old):
                os.rename(self.target, self.old)
        elif os.path.lexists(self.new):
            if os.path.lexists(self.target):
                _keep(self.target, self.old, self.new)
            os.rename(self.new, self.target)
        if os.path.isdir(os.path.dirname(self.target)):
            _fsync(os.path.dirname(self.target))

    def back(self):
        if self.new and os.path.lexists(self.target) and not os.path.lexists(self.new):
            if os.path.lexists(self.old):
                _keep(self.target, self.new, self.old)
            else:
                os.rename(self.target, self.new)
        if os.path.lexists(self.old):
            if os.path.lexists(self.target) and not (_is_file(self.target) and _is_file(self.old)):
                _keep(self.target, self.old + "+", self.old)
            os.rename(self.old, self.target)


class _Run:
    def __init__(self, generic, folder, steps):
        self.generic = generic
        self.steps = steps
        self._folder = folder
        self._journal = os.path.join(folder, JOURNAL)

    def decide(self):
        for path, folders, files in os.walk(self._folder):
            for name in files:
                # One that is linked from elsewhere is carried over and not new; there can be thousands of them.
                if os.lstat(os.path.join(path, name)).st_nlink == 1:
                    _fsync(os.path.join(path, name))
            _fsync(path)
        for step in self.steps:
            step.note()
        text = json.dumps({"steps": [[_to_json(step.name), bool(step.new), step.seen, step.made] for step in self.steps]})
        draft = os.open(self._journal + ".draft", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(draft, text.encode("ascii"))
            os.fsync(draft)
        finally:
            os.close(draft)
        _fsync(self._folder)
        _fsync(self.generic)
        os.rename(self._journal + ".draft", self._journal)
        _fsync(self._folder)

    def left(self):
        """[(step, whether it goes on or back)] of an interrupted run: all go on, or, where somebody has overtaken one, back."""
        found = [(step, step.state()) for step in self.steps]
        if not any(state == OVERTAKEN for dummy, state in found):
            return [(step, True) for step, state in found if state != GONE]
        return [(step, False) for step, state in found if state in (DUE, DONE) and step.is_touched()]

    def perform(self, steps):
        """Can be repeated after it was interrupted anywhere."""
        for step, goes_on in steps:
            if goes_on:
                step.forward()
        for step, goes_on in reversed(steps):
            if not goes_on:
                step.back()
        wanted = set(step.target for step, goes_on in steps if step.new and goes_on)
        for step, dummy in steps:
            _forget_byte_code(step.target, wanted)

    def undo(self):
        for step in reversed(self.steps):
            step.back()

    def close(self):
        os.unlink(self._journal)
        _fsync(self._folder)
        _throw_away(self._folder)
        _fsync(self.generic)


def _throw_away(folder):
    """Nothing depends on what is in it any more. What cannot be removed, such as a file that is immutable, is in nobody's way."""
    shutil.rmtree(folder, ignore_errors=True)


def _unfinished(generic, error):
    return Problem("What an interrupted run had begun in %s cannot be finished: %s." % (generic, error))


def _keep(target, place, successor):
    """Puts the target at `place`; a file that another one will replace also stays, so that there is no moment without it."""
    if _is_file(target) and _is_file(successor):
        if not os.path.lexists(place):
            try:
                os.link(target, place)
            except OSError:
                os.rename(target, place)
        return
    while os.path.lexists(place):
        place += "+"
    os.rename(target, place)


def _forget_byte_code(source, wanted):
    for path in byte_code(source):
        # A put folder __pycache__ brings what it shall hold.
        if path not in wanted and os.path.dirname(path) not in wanted:
            os.unlink(path)
    cache = os.path.join(os.path.dirname(source), "__pycache__")
    # Also one that an interrupted run has emptied.
    if source.endswith(".py") and os.path.isdir(cache) and not os.path.islink(cache) and not os.listdir(cache):
        os.rmdir(cache)


def _run_folders(generic):
    paths = [os.path.join(generic, name) for name in sorted(os.listdir(generic)) if name.startswith(PREFIX)]
    return [path for path in paths if os.path.isdir(path) and not os.path.islink(path)]


def _decided_runs(generic):
    return [_read_run(generic, folder) for folder in _run_folders(generic) if os.path.lexists(os.path.join(folder, JOURNAL))]


def _read_run(generic, folder):
    """Raises Problem for a journal that this user did not write: whoever may write in the folder could else make root rename any file."""
    path = os.path.join(folder, JOURNAL)
    for each in (folder, path):
        if os.lstat(each).st_uid not in (0, os.geteuid()):
            raise Problem("An interrupted run left %s, but it belongs to %s and not to root, so nobody can say who wrote it: "
                          "look into it, then remove it or give it back to root." % (each, _user_name(os.lstat(each).st_uid)))
    try:
        with open(path, "rb") as handle:
            listed = json.loads(handle.read().decode("ascii"))["steps"]
        steps = [_Step(generic, folder, number, _from_json(step[0]), *step[1:]) for number, step in enumerate(listed)]
        for step in steps:
            _check_name(step.name)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Problem("The journal of an interrupted run cannot be read: look into %s, then remove that folder." % folder)
    return _Run(generic, folder, steps)


def _user_name(uid):
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "user %d" % uid


def _check_name(target):
    if not target or os.path.isabs(target) or os.path.normpath(target) != target or target.split("/")[0] in ("..", "."):
        raise ValueError("%r is no plain relative path" % (target,))


def _is_file(path):
    return stat.S_ISREG(os.lstat(path).st_mode)


def _same_file(path, other):
    return os.path.lexists(path) and os.path.lexists(other) and os.path.samestat(os.lstat(path), os.lstat(other))


def _fsync(path):
    if not stat.S_ISREG(os.lstat(path).st_mode) and not stat.S_ISDIR(os.lstat(path).st_mode):
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some file systems have no fsync for folders.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(handle)


def _to_json(path):
    """Any bytes of a name, as text that JSON takes."""
    return (path if isinstance(path, bytes) else os.fsencode(path)).decode("latin-1")


def _from_json(text):
    name = text.encode("latin-1")
    return name if str is bytes else os.fsdecode(name)
