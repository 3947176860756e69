# -*- coding: utf-8 -*-
"""How often DingTalk may be called: calls a second per app and API, and robots that DingTalk has told to wait."""
from __future__ import absolute_import, division, print_function

import time

from .store import store

# A call may arrive later than its neighbour that left after it: the window is kept a little wider than DingTalk's second.
SECOND = 1.2
# Minutes that DingTalk blocks a robot, first and when it repeats; a second refusal this soon after a hold's end counts as its
# repetition.
FIRST_HOLD, LONG_HOLD, REPEAT_WITHIN = 1, 10, 15


def wait_for_call(app_key, api, qps, latest):
    """Seconds to wait before the next call of an API, None when it could not start within `latest` seconds."""
    if qps <= 0:
        return 0
    return store.take_place(u"qps:%s:%s" % (app_key, api), max(1, int(qps)), SECOND, latest)


def robot_wait(token):
    """Seconds that a robot must still be left alone, 0 when it may be called. token: a Secret."""
    return _left(store.hold(_hold_key(token)))


def hold_robot(token, minute=60.0):
    """Leave a robot alone that DingTalk has refused for speed: a minute, then ten. Returns the seconds."""
    now = time.time()
    held = store.hold(_hold_key(token))
    if _left(held) > 1:
        # Another worker was told the same a moment ago.
        return _left(held)
    seconds = (LONG_HOLD if held and 0 <= now - held["until"] < REPEAT_WITHIN * minute else FIRST_HOLD) * minute
    longest = LONG_HOLD * minute + 1
    store.set_hold(_hold_key(token), {"until": now + seconds, "longest": longest}, seconds + REPEAT_WITHIN * minute)
    return float(seconds)


def blocked_until(fingerprint):
    """Wall clock seconds until which a robot is left alone, 0 when it is not."""
    held = store.hold(u"hold:" + fingerprint)
    return held["until"] if _left(held) else 0


def _left(held):
    """Seconds left of a hold. One that seems longer than any was written before the clock was set back."""
    left = held["until"] - time.time() if held else 0.0
    return left if 0 < left <= held.get("longest", LONG_HOLD * 60 + 1) else 0.0


def _hold_key(token):
    return u"hold:" + token.fingerprint()
