"""Sliding windows: calls a second per app and API, messages a minute per robot and the block that follows."""

from collections import deque


class Window:
    """At most `limit` events in any `seconds`; only what was let in counts; limit 0 lets everything in, uncounted."""

    def __init__(self, seconds):
        self.seconds = seconds
        self._times = deque()

    def admit(self, limit, now):
        if not limit:
            return True
        times = self._times
        while times and times[0] <= now - self.seconds:
            times.popleft()
        if len(times) >= limit:
            return False
        times.append(now)
        return True


class Rates:
    """All windows of the server, by key; keys are few (apps times APIs, and robots)."""

    def __init__(self):
        self._windows = {}
        self._blocked_until = {}

    def admit(self, key, limit, seconds, now):
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = Window(seconds)
        return window.admit(limit, now)

    def blocked(self, robot, now):
        return self._blocked_until.get(robot, 0) > now

    def admit_robot(self, robot, per_minute, block_seconds, now, window_seconds=60):
        """Count one message of a robot; the one too many starts the block."""
        if self.admit(("robot", robot), per_minute, window_seconds, now):
            return True
        self._blocked_until[robot] = now + block_seconds
        return False
