# -*- coding: utf-8 -*-
"""What the workers of an ESB know together: in the ESB's Redis when it answers, else in files of this host or in memory.

Redis, as the platform sets it up, is neither durable nor safe from eviction: nothing here may be missed when it is lost.
"""
from __future__ import absolute_import, division, print_function

import fcntl
import hashlib
import io
import json
import os
import stat
import tempfile
import threading
import time
from collections import OrderedDict

from django.conf import settings as esb_settings

from common.log import logger

from . import locks
from .names import monotonic

try:
    import redis
    from redis.sentinel import Sentinel
except ImportError:  # the V7 ESB has none
    redis = None
try:
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # Newer clients try again by themselves, for seconds.
    _ONCE = {"retry": Retry(NoBackoff(), 0)}
except ImportError:
    _ONCE = {}

# A connection that cannot be made, or that has ended; a time-out is none.
_BROKEN = redis.ConnectionError if redis is not None else ()

REDIS_TIMEOUT = 0.5
# After a failure Redis is left alone for this long: 0.5 s for each call would use up the deadline.
REDIS_PAUSE = 30
PREFIX = "ding_blueking:"
FOLDER = "ding_blueking"
MEMORY_ENTRIES = 20000
FILE_DAYS = 3

# Places in a sliding window, taken one at a time. Redis's own clock, in microseconds, so that hosts need not agree on theirs.
_WINDOW = """
pcall(redis.replicate_commands)
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local limit, period, latest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local oldest = redis.call('LINDEX', KEYS[1], -limit)
local at = now
if oldest and tonumber(oldest) + period > now then at = tonumber(oldest) + period end
if at - now > latest then return -1 end
redis.call('RPUSH', KEYS[1], string.format('%.0f', at))
redis.call('LTRIM', KEYS[1], -limit, -1)
redis.call('PEXPIRE', KEYS[1], math.ceil((period + at - now) / 1000) + 1000)
return at - now
"""


class Memory(object):
    """A bounded cache of one process: the entry used longest ago goes first."""

    def __init__(self, entries=MEMORY_ENTRIES):
        self._entries = entries
        self._kept = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key):
        with self._lock:
            value, until = self._kept.get(key, (None, 0))
            if value is None:
                return None
            del self._kept[key]
            if until <= monotonic():
                return None
            self._kept[key] = (value, until)
            return value

    def set(self, key, value, life):
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = (value, monotonic() + life)
            while len(self._kept) > self._entries:
                self._kept.popitem(last=False)

    def forget(self, key):
        with self._lock:
            self._kept.pop(key, None)


class Redis(object):
    """The ESB's Redis through a client of our own: short time-outs, and a pause after a failure."""

    def __init__(self):
        self.pause = None
        self._client = None
        self._pid = None
        self._paused_until = 0
        self._answers = True

    def is_set(self):
        """Whether this ESB has a Redis at all."""
        return redis is not None and bool(getattr(esb_settings, "REDIS_HOST", ""))

    def resume(self):
        """Try again now: somebody else on this host had an answer."""
        self._paused_until = 0

    def _connect(self):
        host = getattr(esb_settings, "REDIS_HOST", "")
        if redis is None or not host:
            return None
        port = getattr(esb_settings, "REDIS_PORT", None) or 6379
        times = dict(_ONCE, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT)
        options = {
            "db": getattr(esb_settings, "REDIS_DB", 0) or 0,
            "password": getattr(esb_settings, "REDIS_PASSWORD", "") or None,
        }
        options.update(times)
        if getattr(esb_settings, "USE_SENTINEL", False):
            sentinel = Sentinel([(host, port)], sentinel_kwargs=times, **times)
            return sentinel.master_for(getattr(esb_settings, "REDIS_MASTER_NAME", "mymaster"), **options)
        return redis.StrictRedis(host=host, port=port, **options)

    def use(self, action):
        """action(client), or None when Redis is not there. `action` returns anything but None."""
        if monotonic() < self._paused_until:
            return None
        kept = client = self._client if self._pid == os.getpid() else None
        try:
            try:
                client = client or self._opened(None)
                result = action(client) if client else None
            except _BROKEN:
                if kept is None:
                    raise
                # A kept connection ends with the Redis that it led to, whoever is there now.
                client = self._opened(client)
                result = action(client)
            if client is None:
                self._paused_until = monotonic() + (self.pause or REDIS_PAUSE)
            else:
                self._answers = True
            return result
        except Exception as error:  # a client library's errors, also those of its connection set-up
            if self._client in (client, None):
                # Not where another thread has a new connection by now.
                self._paused_until = monotonic() + (self.pause or REDIS_PAUSE)
                # Its other kept connections are as dead: each would cost one more failure.
                self._client = None
            if self._answers:
                logger.warning("ding.blueking: Redis does not answer, doing without: %s", error.__class__.__name__)
            self._answers = False
            return None

    def _opened(self, broken):
        """A client in place of one that is broken, or of none. Another thread may have one already."""
        if self._client in (broken, None) or self._pid != os.getpid():
            self._client = self._connect()
            self._pid = os.getpid()
        return self._client


class Files(object):
    """Small locked JSON files of this host, private to the ESB's user, under its log folder."""

    def __init__(self):
        self._folder = None
        self._warned = False

    @staticmethod
    def _lasting():
        bases = (getattr(esb_settings, "LOG_DIR", ""), os.environ.get("PAAS_LOGGING_DIR", ""))
        return [os.path.join(base, FOLDER) for base in bases if base and os.path.isdir(base)]

    def lasting_folder(self):
        """The folder when it lies with the ESB's logs, so that what is in it outlives a reboot; else None."""
        folder = self.folder()
        return folder if folder in self._lasting() else None

    def folder(self):
        """The folder, made when needed; None when no place is ours alone."""
        if self._folder and os.path.isdir(self._folder):
            return self._folder
        for folder in self._lasting():
            if _is_ours(folder):
                return self._found(folder)
        # Looked for only now: where nothing temporary can be written either, that is an error of its own.
        folder = _temporary()
        if folder and _is_ours(folder):
            return self._found(folder)
        if not self._warned:
            logger.warning("ding.blueking: no private folder on this host; limits hold for each worker alone")
            self._warned = True
        return None

    def _found(self, folder):
        self._folder = folder
        _sweep(folder)
        return folder

    def _path(self, folder, key):
        return os.path.join(folder, hashlib.sha256(key.encode("utf-8")).hexdigest()[:32] + ".json")

    def read(self, key):
        """The stored value; None when there is none."""
        folder = self.folder()
        try:
            with io.open(self._path(folder, key) if folder else os.devnull, "rb") as stored:
                with locks.held(stored, fcntl.LOCK_SH):
                    return _loads(stored.read(65536))
        except EnvironmentError:
            return None

    def update(self, key, change):
        """change(stored value or None) gives (value to store, result); locked meanwhile. The result.

        Raises EnvironmentError when this host has no place for it, or no space left.
        """
        folder = self.folder()
        if folder is None:
            raise EnvironmentError("no private folder")
        descriptor = os.open(self._path(folder, key), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # A gevent worker may block here.
            with locks.held(descriptor, fcntl.LOCK_EX):
                text = os.read(descriptor, 65536)
                value, result = change(_loads(text))
                data = json.dumps(value).encode("utf-8")
                if data != text:
                    os.lseek(descriptor, 0, os.SEEK_SET)
                    os.write(descriptor, data)
                    os.ftruncate(descriptor, len(data))
        finally:
            os.close(descriptor)
        return result


def _temporary():
    """A folder for what may be gone after a reboot; None when no place on this host takes files."""
    try:
        return os.path.join(tempfile.gettempdir(), "%s-%d" % (FOLDER, os.getuid()))
    except EnvironmentError:
        return None


def _is_ours(folder):
    """Whether a folder, made when needed, belongs to this user alone and takes files."""
    try:
        if not os.path.isdir(folder):
            os.mkdir(folder, 0o700)
    except OSError:
        # Another worker may have made it meanwhile.
        if not os.path.isdir(folder):
            return False
    found = os.lstat(folder)
    private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return private and os.access(folder, os.W_OK)


def _sweep(folder):
    """Remove what no limit has needed for days: robots and apps come and go."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        try:
            if name.endswith(".json") and time.time() - os.stat(path).st_mtime > FILE_DAYS * 86400:
                os.unlink(path)
        except EnvironmentError:
            continue


def _loads(data):
    """The JSON value of bytes; None for nothing and for what a killed worker left half written."""
    try:
        return json.loads(data.decode("utf-8")) if data else None
    except ValueError:
        return None


class Store(object):
    """The process's view of what is shared. All times in seconds; keys are texts without secrets."""

    def __init__(self):
        self.memory = Memory()
        self._redis = Redis()
        self._files = Files()
        self._lock = threading.Lock()

    def resume(self):
        """Ask Redis again now: it has just answered somebody on this host."""
        self._redis.resume()

    # Values that may be looked up again: tokens, user ids.

    def get(self, key):
        """The text stored under `key`, from this process or from Redis; None when unknown."""
        value = self.memory.get(key)
        if value is not None:
            return value
        return self.get_shared(key)

    def get_shared(self, key):
        """As get, without this process's own memory."""
        found = self._redis.use(lambda client: _pipe(client, lambda p: (p.get(PREFIX + key), p.ttl(PREFIX + key))))
        if not found or found[0] is None:
            return None
        value = found[0].decode("utf-8") if isinstance(found[0], bytes) else found[0]
        if found[1] and found[1] > 0:
            self.memory.set(key, value, found[1])
        return value

    def get_many(self, keys):
        """{key: text} of those known."""
        known = {key: self.memory.get(key) for key in keys}
        missing = [key for key in keys if known[key] is None]
        if missing:
            answers = self._redis.use(lambda client: client.mget([PREFIX + key for key in missing])) or []
            for key, value in zip(missing, answers):
                if value is not None:
                    known[key] = value.decode("utf-8") if isinstance(value, bytes) else value
        return {key: value for key, value in known.items() if value is not None}

    def set(self, key, value, life):
        self.memory.set(key, value, life)
        self._redis.use(lambda client: client.set(PREFIX + key, value, ex=max(1, int(life))) or True)

    def forget(self, key):
        self.memory.forget(key)
        self._redis.use(lambda client: client.delete(PREFIX + key) or True)

    def lease(self, key, life):
        """Whether this worker may do what one of all should: False while another has the lease. True without Redis."""
        taken = self._redis.use(lambda client: 1 if client.set(PREFIX + key, "1", ex=max(1, int(life)), nx=True) else 0)
        return taken != 0

    def end_lease(self, key):
        self._redis.use(lambda client: client.delete(PREFIX + key) or True)

    # Limits that all workers keep together.

    def take_place(self, key, limit, period, latest):
        """Seconds to wait for a place among `limit` in any `period`; None when that is more than `latest`."""
        microseconds = self._redis.use(
            lambda client: int(
                client.eval(_WINDOW, 1, PREFIX + key, int(limit), int(period * 1000000), max(0, int(latest * 1000000)))
            )
        )
        if microseconds is not None:
            return None if microseconds < 0 else microseconds / 1000000.0

        def take(stored):
            now = time.time()
            # What lies far ahead was written before the clock was set back.
            taken = [at for at in stored or [] if now - period < at < now + max(30, 2 * latest)][-int(limit):]
            at = max(now, taken[0] + period) if len(taken) >= limit else now
            if at - now > latest:
                return stored, None
            return (taken + [at])[-int(limit):], at - now

        return self.update_here(key, take, life=period * 2 + max(0, latest))

    def hold(self, key):
        """{"until", …} of a hold (wall clock seconds), or None: the longer one of what Redis and this host know."""
        text = self._redis.use(lambda client: client.get(PREFIX + key) or b"")
        shared = _loads(text if isinstance(text, bytes) else text.encode("utf-8")) if text else None
        here = self._files.read(key)
        here = self.memory.get(key) if here is None else here
        if not shared or not here:
            return shared or here
        return max(shared, here, key=lambda held: held["until"])

    def set_hold(self, key, value, life):
        """Store a hold for `life` seconds, in both places: Redis may forget it, or be gone when it is asked for."""
        stored = json.dumps(value)
        self._redis.use(lambda client: client.set(PREFIX + key, stored, ex=max(1, int(life))) or True)
        self.update_here(key, lambda _: (value, None), life)

    def read_here(self, key):
        """What this host stored under `key`, None when nothing."""
        found = self._files.read(key)
        return self.memory.get(key) if found is None else found

    def lasting_folder(self):
        """This host's private folder beside the ESB's logs; None when there is none."""
        return self._files.lasting_folder()

    def update_here(self, key, change, life, alone=None):
        """change(stored value or None) gives (value to store, result), in a locked file of this host. The result.

        alone: the same for a worker that can store nothing and knows of no other.
        """
        with self._lock:
            try:
                return self._files.update(key, change)
            except EnvironmentError:
                # No folder or a full disk: this worker alone keeps the limit then.
                value, result = (alone or change)(self.memory.get(key))
                if value is not None:
                    self.memory.set(key, value, life)
                return result


def _pipe(client, commands):
    pipe = client.pipeline(transaction=False)
    commands(pipe)
    return pipe.execute()


# The channel's one cache object.
store = Store()
