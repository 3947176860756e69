"""The signature of a group robot: base64(HmacSHA256(secret, timestamp + newline + secret))."""

import base64
import hashlib
import hmac

# DingTalk accepts a clock that is off by an hour at most.
MAX_CLOCK_DIFFERENCE_MS = 3600 * 1000


def sign(timestamp, secret):
    """The signature as base64 text, before URL-encoding."""
    key = secret.encode("utf-8")
    message = ("%s\n%s" % (timestamp, secret)).encode("utf-8")
    return base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode("ascii")


def refusal(secret, timestamp, received, now_ms):
    """Why a call is refused, or None. `received` is the sign after exactly one URL-decoding, so a bare + is a space here."""
    if not timestamp or not received:
        return "sign not match (机器人发送签名不匹配): timestamp and sign must both be in the URL"
    try:
        difference = abs(int(timestamp) - now_ms)
    except ValueError:
        return "invalid timestamp (机器人发送签名过期): not a number of milliseconds"
    if difference > MAX_CLOCK_DIFFERENCE_MS:
        return "invalid timestamp (机器人发送签名过期): it differs from our clock by more than an hour"
    if not hmac.compare_digest(sign(timestamp, secret).encode("ascii"), received.encode("utf-8")):
        return "sign not match (机器人发送签名不匹配)"
    return None
