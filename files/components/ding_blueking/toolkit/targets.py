# -*- coding: utf-8 -*-
"""To whom the service sends what waited: a robot's group or a person, looked up anew each time, within DingTalk's limits."""
from __future__ import absolute_import, division, print_function

import threading

from . import directory, receivers
from .dingtalk import BUSY, DONE, HELD, LATER, POISONED, REFUSED, DingTalk, Verdict
from .errors import DirectoryError
from .limits import robot_wait
from .names import monotonic
from .transport import Transport
from .window import Window

CALL_SECONDS = 12.0
# Seconds for which a robot user's token is believed.
BELIEVED = 60
LOOK_UP_SECONDS = 5
# For how long a place of a full window is waited for before it is asked for again.
ASK_AGAIN = 5.0
_CONTEXT = {"request_id": "", "app_code": "", "component": "ding_blueking_service"}


def _verdict(kind, reason=u"", data=None, wait=0):
    return Verdict(kind, reason, data or {}, wait)


class Robots(object):
    """Robot users by name, from user management. Shared by all threads."""

    def __init__(self, settings):
        """settings: a function that returns the Settings of now."""
        self._settings = settings
        self._known = {}
        self._lock = threading.Lock()

    def find(self, name):
        """A Receiver, of whatever kind. Raises DirectoryError."""
        with self._lock:
            receiver, until = self._known.get(name, (None, 0))
        if receiver is not None and monotonic() < until:
            return receiver
        settings = self._settings()
        profiles = receivers.look_up(directory.of_esb("", None, _CONTEXT), [name], settings, monotonic() + LOOK_UP_SECONDS)
        receiver = receivers.classify(name, profiles, settings)
        with self._lock:
            if len(self._known) > 5000:
                self._known.clear()
            self._known[name] = (receiver, monotonic() + BELIEVED)
        return receiver

    def forget(self, name):
        with self._lock:
            self._known.pop(name, None)


class _Target(object):
    """place(): None when the next call may be made now, else a Verdict; send() makes it; leave() gives the place back."""

    person = False

    def __init__(self, settings):
        self._settings = settings

    def _client(self, settings):
        """(DingTalk, deadline), for one call."""
        deadline = monotonic() + CALL_SECONDS
        transport = Transport("internet", _CONTEXT, settings.connect_timeout, settings.read_timeout, settings.proxy, settings.ca_bundle)
        return DingTalk(settings, transport, deadline), deadline

    def same(self, one, other):
        return one == other

    def leave(self):
        pass


class RobotTarget(_Target):
    """A group, through its robot."""

    def __init__(self, settings, robots):
        super(RobotTarget, self).__init__(settings)
        self._robots = robots
        self._place = None

    def same(self, one, other):
        try:
            if one == other:
                return True
            robots = [self._robots.find(name) for name in (one, other)]
        except DirectoryError:
            return False
        # As delivery.send has it: of two users of one group, one may have a wrong secret.
        return robots[0].token == robots[1].token and robots[0].secret == robots[1].secret

    def place(self, receiver, user_id):
        try:
            robot = self._robots.find(receiver)
        except DirectoryError as error:
            return _verdict(BUSY, error.message)
        if robot.kind != receivers.ROBOT:
            self._robots.forget(receiver)
            return _verdict(REFUSED, robot.reason if robot.kind == receivers.UNKNOWN else u"is no robot user any more", {"receiver": True})
        held = robot_wait(robot.token)
        if held:
            return _verdict(HELD, u"DingTalk has blocked the robot for speed", wait=held)
        settings = self._settings()
        if not settings.robot_per_minute:
            return None
        window = Window(settings)
        places, wait = window.take(robot.token.fingerprint(), 1, CALL_SECONDS + 1)
        if places is None:
            # Another host may give a place back before, and a Redis that was only slow is believed again.
            return _verdict(LATER, wait=min(wait, ASK_AGAIN))
        self._place = (window, robot.token.fingerprint(), places[0])
        return None

    def leave(self, used=False):
        if self._place is not None:
            window, robot, place = self._place
            self._place = None
            window.settle(robot, place, used)

    def send(self, receiver, user_id, body):
        try:
            robot = self._robots.find(receiver)
            if robot.kind != receivers.ROBOT:
                return _verdict(REFUSED, u"is no robot user any more", {"receiver": True})
            client, deadline = self._client(self._settings())
            verdict = client.send_to_group(robot.token, robot.secret, body.encode("utf-8"), deadline)
        except DirectoryError as error:
            return _verdict(BUSY, error.message)
        finally:
            self.leave(used=True)
        if verdict.kind == REFUSED:
            self._robots.forget(receiver)
        return verdict._replace(reason=client.scrub(verdict.reason))


class PersonTarget(_Target):
    """A person whom DingTalk's flow control held messages back from, by the app of the settings."""

    person = True

    def __init__(self, settings):
        super(PersonTarget, self).__init__(settings)
        self._turn_at = None  # monotonic seconds of a call's place that is taken already

    def place(self, receiver, user_id):
        if self._turn_at is None:
            client, deadline = self._client(self._settings())
            verdict = client.turn("batchSend", deadline)
            if verdict is None or verdict.kind != LATER:
                return verdict
            self._turn_at = monotonic() + verdict.wait
        left = self._turn_at - monotonic()
        if left > 0.005:
            return _verdict(LATER, wait=left)
        self._turn_at = None
        return None

    def send(self, receiver, user_id, body):
        client, deadline = self._client(self._settings())
        verdict = client.send_to_people([user_id], body[0], body[1])
        verdict = verdict._replace(reason=client.scrub(verdict.reason))
        if verdict.kind == POISONED:
            # There is no other in this call whom it could be about.
            return _verdict(REFUSED, verdict.reason, {"receiver": True})
        if verdict.kind != DONE:
            return verdict
        if user_id in verdict.data["refused"]:
            return _verdict(REFUSED, verdict.data["refused"][user_id], {"receiver": True})
        if user_id in verdict.data["slow"]:
            return _verdict(BUSY, u"DingTalk's flow control holds messages to this person back")
        return verdict
