# -*- coding: utf-8 -*-
"""The service's one process: a thread for each outbox in which something waits, the heartbeat, and an end when it is told to."""
from __future__ import absolute_import, division, print_function

import argparse
import fcntl
import os
import signal
import sys
import threading
import time

from django.db import connection

from common.log import logger

from . import channels, heartbeat, outbox, settings as channel_settings
from .drain import Drain
from .names import monotonic
from .outbox import Outbox
from .store import store
from .targets import CALL_SECONDS, PersonTarget, RobotTarget, Robots
from .version import __version__
from .window import Window

LOCK = "service.lock"
PEOPLE = "person-"
DONE, CANNOT_START, ANOTHER_RUNS, LEFT, REPLACED = 0, 1, 3, 4, 75
# How often new outboxes are looked for, and seconds that a thread sleeps at most before it looks again.
LOOK_EVERY, LONGEST_SLEEP = 0.1, 1.0
# Seconds after which a thread that failed is started again.
AGAIN_AFTER = 5
# A thread is a robot or person to whom something can be sent now: more wait for one of these to end, and people leave room for robots.
MOST_THREADS, MOST_FOR_PEOPLE = 64, 48
# A thread that has to wait longer ends, and another goes on with its outbox: by then, or when this is over.
PATIENCE, LONGEST_REST = 2.0, 30.0
# Looking for new outboxes takes no more than this part of one core.
LOOKING = 0.02


def main(words, package):
    parser = argparse.ArgumentParser(prog="_service.py", description="Sends the queued messages of this host.")
    parser.add_argument("--once", action="store_true", help="end when nothing waits any more")
    parser.add_argument("--seconds", type=float, default=600, help="with --once: end by then in any case")
    options = parser.parse_args(words)
    folder = store.lasting_folder()
    if folder is None:
        print("there is no private folder beside the ESB's logs: is this the ESB's user, and is PAAS_LOGGING_DIR set?", file=sys.stderr)
        return CANNOT_START
    lock = os.open(os.path.join(folder, LOCK), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except EnvironmentError:
        print("another service runs on this host", file=sys.stderr)
        return ANOTHER_RUNS
    service = Service(folder, package)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    return service.run(options.once, options.seconds)


class Service(object):
    def __init__(self, folder, package):
        self._folder = folder
        self._base = os.path.join(folder, outbox.FOLDER)
        self._package = package
        self._identity = _identity(package)
        self._started = time.time()
        self._settings = None
        self._error = u""
        self._stopping = threading.Event()
        self._threads = {}
        self._waits = {}  # outbox: messages
        self._not_before = {}  # outbox: monotonic seconds, after its thread failed or had to wait
        self._drains = {}  # outbox: (Drain, its target) of a thread that has ended before the outbox was empty
        self._last_turn = {}  # outbox: monotonic seconds at which its thread began last
        self._looked_at = set()  # outboxes to which this service has seen once, also where no file waits
        self._robots = Robots(self.settings)

    def settings(self):
        return self._settings

    def stop(self):
        self._stopping.set()

    def run(self, once, seconds):
        """The exit code."""
        until = monotonic() + seconds
        next_beat = next_look = 0
        code = DONE
        logger.info("ding.blueking: the service that sends queued messages has started, version %s", __version__)
        while not self._stopping.is_set():
            if monotonic() >= next_beat:
                next_beat = monotonic() + heartbeat.EVERY
                if _identity(self._package) != self._identity:
                    code = REPLACED
                    break
                self._beat()
            if monotonic() >= next_look:
                began = monotonic()
                self._start_threads()
                next_look = monotonic() + (monotonic() - began) / LOOKING
            # One that rests may still have to tell of what was given up, though nothing waits.
            if once and self._settings is not None and not self._threads and not self._waiting() and not self._drains:
                break
            if once and monotonic() >= until:
                code = LEFT
                break
            # Not without a time-out: Python 2.7 would not see a signal.
            self._stopping.wait(LOOK_EVERY)
        self._end(once)
        logger.info("ding.blueking: the service ends with %d", code)
        return code

    def _end(self, once):
        self.stop()
        limit = monotonic() + CALL_SECONDS + 1
        for thread in list(self._threads.values()):
            thread.join(max(0.0, limit - monotonic()))
        if not once and _identity(self._package) is not None:
            # Its successor comes within seconds, and workers queue for it; when none comes, they see it by the heartbeat's age.
            return
        try:
            os.unlink(os.path.join(self._folder, heartbeat.NAME))
        except EnvironmentError:
            pass

    def _beat(self):
        self._read_settings()
        try:
            if self._settings is not None and self._settings.robot_per_minute:
                if Window(self._settings).probe():
                    # What other hosts were told of a robot lies there, too.
                    store.resume()
            if self._settings is not None:
                heartbeat.write(self._folder, {
                    "version": __version__, "format": heartbeat.FORMAT, "pid": os.getpid(), "time": time.time(), "started": self._started,
                    "waiting": sum(self._waits.values()), "error": self._error})
        except Exception as error:
            logger.error("ding.blueking: the service's heartbeat: %s", error.__class__.__name__)

    def _read_settings(self):
        """The rows of now; those of before when the database is away, as workers would not do either."""
        try:
            # A connection that the server has closed meanwhile, or that is too old.
            connection.close_if_unusable_or_obsolete()
            paths = (channel_settings.DING_PATH, channel_settings.DINGTALK_PATH, channel_settings.DINGBOT_PATH)
            self._settings = channel_settings.read(channels.stored_settings(paths))
            self._error = u""
        except Exception as error:
            said = getattr(error, "message", u"") if isinstance(error, channel_settings.SettingsError) else error.__class__.__name__
            if said != self._error:
                logger.error("ding.blueking: the service cannot read the channel's settings: %s", said)
            self._error = said
            try:
                connection.close()
            except Exception:  # whatever a database's library makes of a dead connection
                pass

    # --- threads --------------------------------------------------------------------------------------------------

    def _waiting(self):
        return [key for key in outbox.all_keys(self._base) if Outbox(self._base, key).waiting() or self._has_files(key)]

    def _has_files(self, key):
        try:
            names = os.listdir(os.path.join(self._base, key))
        except EnvironmentError:
            return False
        return outbox.IN in names or any(name.startswith("take.") for name in names)

    def _start_threads(self):
        if self._settings is None:
            return
        for key, thread in list(self._threads.items()):
            if not thread.is_alive():
                del self._threads[key]
        now = monotonic()
        ready = [key for key in outbox.all_keys(self._base) if key not in self._threads and not self._rests(key, now)
                 and (key not in self._looked_at or key in self._drains or self._has_files(key))]
        # Who has waited longest for a turn goes first.
        for key in sorted(ready, key=lambda each: (self._last_turn.get(each, 0), each)):
            people = sum(1 for each in self._threads if each.startswith(PEOPLE))
            if len(self._threads) >= MOST_THREADS or (key.startswith(PEOPLE) and people >= MOST_FOR_PEOPLE):
                continue
            self._looked_at.add(key)
            self._last_turn[key] = now
            thread = threading.Thread(target=self._work, args=(key,), name=str(key))
            thread.daemon = True
            self._threads[key] = thread
            try:
                thread.start()
            except Exception as error:
                # At a limit of processes or memory: those that run go on, and this one has its turn when one of them has ended.
                del self._threads[key]
                self._looked_at.discard(key)
                self._not_before[key] = now + AGAIN_AFTER
                logger.warning("ding.blueking: no thread can be started for outbox %s: %s", key, error.__class__.__name__)
                return

    def _rests(self, key, now):
        return now < self._not_before.get(key, 0) <= now + max(AGAIN_AFTER, LONGEST_REST)

    def _work(self, key):
        """One outbox, until nothing waits in it or it has to wait. Whatever is wrong with it is told, and harms no other."""
        target = None
        try:
            drain, target = self._drains.pop(key, None) or self._new_drain(key)
            while not self._stopping.is_set():
                wait = drain.step()
                self._waits[key] = drain.waiting()
                if wait is None:
                    break
                if wait > PATIENCE:
                    self._drains[key] = (drain, target)
                    self._not_before[key] = monotonic() + min(wait, LONGEST_REST)
                    break
                self._stopping.wait(min(wait, LONGEST_SLEEP))
            target.leave()
        except Exception as error:
            self._not_before[key] = monotonic() + AGAIN_AFTER
            # What is left to tell may lie in its state only.
            self._looked_at.discard(key)
            logger.error("ding.blueking: %s in outbox %s, at %s; it is tried again in %d seconds",
                         error.__class__.__name__, key, _place(), AGAIN_AFTER)
            if target is not None:
                target.leave()
            self._waits[key] = Outbox(self._base, key).waiting()

    def _new_drain(self, key):
        target = PersonTarget(self.settings) if key.startswith(PEOPLE) else RobotTarget(self.settings, self._robots)
        return Drain(Outbox(self._base, key), target, self.settings), target


def _place():
    trace = sys.exc_info()[2]
    while trace.tb_next is not None:
        trace = trace.tb_next
    return "%s:%d" % (trace.tb_frame.f_globals.get("__name__", "?"), trace.tb_lineno)


def _identity(package):
    """What tells a replaced package from this one; None when it is gone."""
    try:
        folder, version = os.stat(package), os.stat(os.path.join(package, "toolkit", "version.py"))
    except EnvironmentError:
        return None
    # By the time of change, which a chown over the ESB's folder sets as well: install and verify go by it, too.
    return folder.st_dev, folder.st_ino, version.st_ino, version.st_ctime
