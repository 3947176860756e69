# -*- coding: utf-8 -*-
"""How often DingTalk may be called: calls a second per app and API, and robots that DingTalk has told to wait."""
from __future__ import absolute_import, division, print_function

import time

from .store import store

# A call may arrive later than its neighbour that left after it: the window is kept a little wider than DingTalk's second.
SECOND = 1.2
FIRST_HOLD = 60
LONG_HOLD = 600
# A second refusal this soon after a hold's end counts as its repetition.
REPEAT_WITHIN = 900


def wait_for_call(app_key, api, qps, latest):
    """Seconds to wait before the next call of an API, None when it could not start within `latest` seconds."""
    if qps <= 0:
        return 0
    return store.take_place(u"qps:%s:%s" % (app_key, api), max(1, int(qps)), SECOND, latest)


def robot_wait(token):
    """Seconds that a robot must still be left alone, 0 when it may be called. token: a Secret."""
    return _left(store.hold(_hold_key(token)))


def hold_robot(token):
    """Leave a robot alone that DingTalk has refused for speed: a minute, then ten. Returns the seconds."""
    now = time.time()
    held = store.hold(_hold_key(token))
    if _left(held) > 1:
        # Another worker was told the same a moment ago.
        return _left(held)
    seconds = LONG_HOLD if held and 0 <= now - held["until"] < REPEAT_WITHIN else FIRST_HOLD
    store.set_hold(_hold_key(token), {"until": now + seconds}, seconds + REPEAT_WITHIN)
    return float(seconds)


def _left(held):
    """Seconds left of a hold. One that seems longer than any was written before the clock was set back."""
    left = held["until"] - time.time() if held else 0.0
    return left if 0 < left <= LONG_HOLD + 1 else 0.0


def _hold_key(token):
    return u"hold:" + token.fingerprint()
