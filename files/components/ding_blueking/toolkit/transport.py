# -*- coding: utf-8 -*-
"""HTTP by `requests`: kept connections, verified TLS, a limit on each call's whole time, and a trace without secrets."""
from __future__ import absolute_import, division, print_function

import io
import json
import os
import socket
import threading
import time
from collections import namedtuple

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from common.log import logger_api

from .names import HTTPResponse, monotonic, text_type, urlsplit
from .secret import guard_library_logs, redact
from .version import __version__

try:
    from http.cookiejar import DefaultCookiePolicy
except ImportError:
    from cookielib import DefaultCookiePolicy

# An answer of DingTalk or user management is some kilobytes; 400 users with long extras stay below this.
MAX_ANSWER = 8 * 1024 * 1024
MAX_KEPT_CONNECTIONS = 64
# Idle connections are closed by load balancers without a word; a call over such a one would end "uncertain".
MAX_IDLE_SECONDS = 20

Answer = namedtuple("Answer", "status content_type body")


class CallFailed(Exception):
    """A call without an answer. `sent` is False when the request certainly did not reach the other side."""

    def __init__(self, reason, sent, timed_out=False):
        super(CallFailed, self).__init__(reason)
        self.reason = reason
        self.sent = sent
        self.timed_out = timed_out


# --- a read time-out for the whole answer -------------------------------------------------------------------------


class _TimedSource(io.RawIOBase):
    """Reads of one socket that together end at a deadline: the library's own time-out starts anew with each byte."""

    def __init__(self, sock, inner):
        super(_TimedSource, self).__init__()
        self._sock = getattr(inner, "_sock", None) or sock
        self._raw = getattr(inner, "raw", None)
        self._inner = inner
        self._timeout = self._sock.gettimeout() if hasattr(self._sock, "gettimeout") else None
        self._deadline = None if self._timeout is None else monotonic() + self._timeout

    def readable(self):
        return True

    def readinto(self, target):
        if self._deadline is not None:
            left = self._deadline - monotonic()
            if left <= 0:
                raise socket.timeout("timed out")
            self._sock.settimeout(left)
        if self._raw is not None:
            return self._raw.readinto(target)
        data = self._sock.recv(len(target))
        target[: len(data)] = data
        return len(data)

    def close(self):
        if not self.closed:
            inner, self._inner = self._inner, None
            if inner is not None:
                inner.close()
        super(_TimedSource, self).close()


class _TimedResponse(HTTPResponse, object):
    """An HTTP response, header and body, that must have arrived within the socket's time-out as it is at the start."""

    def __init__(self, sock, *args, **kwargs):
        HTTPResponse.__init__(self, sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedSource(sock, self.fp))


class _Progress(threading.local):
    connecting = False


_progress = _Progress()


def _timed(connection_class):
    class Connection(connection_class):
        response_class = _TimedResponse

        def connect(self):
            # What fails in here (name, TCP, proxy tunnel, TLS) fails before the request is sent.
            _progress.connecting = True
            result = connection_class.connect(self)
            _progress.connecting = False
            return result

    return Connection


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _timed(HTTPConnectionPool.ConnectionCls)


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _timed(HTTPSConnectionPool.ConnectionCls)


_POOL_CLASSES = {"http": _HTTPPool, "https": _HTTPSPool}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args, **kwargs):
        super(_Adapter, self).init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOL_CLASSES

    def proxy_manager_for(self, *args, **kwargs):
        manager = super(_Adapter, self).proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOL_CLASSES
        return manager


# --- sessions: the process's one store of connections --------------------------------------------------------------


class _Sessions(object):
    """One session per kind of peer, made anew after a fork and when it has idled too long."""

    def __init__(self):
        self._lock = threading.Lock()
        self._kept = {}

    def get(self, kind):
        now = monotonic()
        key = (os.getpid(), kind)
        with self._lock:
            session, used = self._kept.get(key, (None, now))
            if session is None:
                session = self._new(kind)
            elif now - used > MAX_IDLE_SECONDS:
                # A connection that is out with a call stays usable: the pool forgets it and closes it on its return.
                session.close()
            self._kept[key] = (session, now)
        return session

    @staticmethod
    def _new(kind):
        guard_library_logs()
        session = requests.Session()
        session.trust_env = kind == "internet"
        session.headers["User-Agent"] = "ding.blueking/" + __version__
        session.cookies = RequestsCookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
        adapter = _Adapter(pool_connections=16, pool_maxsize=MAX_KEPT_CONNECTIONS, max_retries=0)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session


_sessions = _Sessions()


def _no_auth(request):
    # Given so that `requests` does not look for credentials in ~/.netrc.
    return request


def _root_cause(error):
    """The innermost text of a chain of library errors: the outer ones quote the URL with its token."""
    for _ in range(8):
        inner = getattr(error, "reason", None)
        if not isinstance(inner, Exception):
            inner = next((a for a in getattr(error, "args", ()) if isinstance(a, Exception)), None)
        if inner is None:
            break
        error = inner
    words = text_type(getattr(error, "strerror", None) or error)
    # Before this the library names its own connection object.
    words = words.rsplit(u"new connection: ", 1)[-1]
    return redact(words)[:200] or error.__class__.__name__


def _read(response):
    chunks, size = [], 0
    while True:
        chunk = response.raw.read(65536, decode_content=True)
        if not chunk:
            return b"".join(chunks)
        size += len(chunk)
        if size > MAX_ANSWER:
            raise ValueError("the answer is longer than %d bytes" % MAX_ANSWER)
        chunks.append(chunk)


class Transport(object):
    """Calls of one request of the ESB: its time-outs, its proxy, its trace."""

    def __init__(self, kind, context, connect_timeout, read_timeout, proxy=u"", ca_bundle=u""):
        """kind: "internet" (proxies and CA bundles of the environment apply) or "internal" (they do not).

        context: {"request_id", "app_code", "component"}, texts for the trace. Times in seconds.
        """
        self._kind = kind
        self._context = context
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._proxies = {"http": proxy, "https": proxy} if proxy else None
        self._verify = ca_bundle or True

    def call(self, method, url, deadline, query=None, body=None, headers=None):
        """One HTTP call; an Answer, whatever its status. Redirects are not followed.

        query: dict of texts; body: bytes; deadline: monotonic seconds, by which the call has ended. Raises CallFailed.
        """
        started, wall = monotonic(), time.time()
        left = deadline - started
        if left <= 0.02:
            raise CallFailed(u"no time left for a call", sent=False)
        status, failure, answer = -1, None, None
        _progress.connecting = False
        try:
            response = _sessions.get(self._kind).request(
                method,
                url,
                params=query,
                data=body,
                headers=headers,
                timeout=(min(self._connect_timeout, left), min(self._read_timeout, left)),
                allow_redirects=False,
                verify=self._verify,
                proxies=self._proxies,
                auth=_no_auth,
                stream=True,
            )
            try:
                status = response.status_code
                answer = Answer(status, response.headers.get("Content-Type", ""), _read(response))
            finally:
                response.close()
        except Exception as error:  # every library below has its own idea of an error's class
            failure = self._failure(error, urlsplit(url).hostname)
        self._trace(method, url, status if failure is None else -1, started, wall, failure)
        if failure is not None:
            raise failure
        return answer

    @staticmethod
    def _failure(error, host):
        sent = not _progress.connecting
        cause = _root_cause(error)
        timed_out = isinstance(error, requests.exceptions.Timeout) or "timed out" in cause
        if not sent and isinstance(error, requests.exceptions.ProxyError):
            return CallFailed(u"the proxy gave no connection to %s: %s" % (host, cause), sent=False)
        if not sent and isinstance(error, requests.exceptions.SSLError):
            hint = u"; a private CA is named by setting ca_bundle of channel /cmsi/send_ding/"
            return CallFailed(u"TLS with %s failed: %s%s" % (host, cause, hint), sent=False)
        if not sent:
            return CallFailed(u"no connection to %s: %s" % (host, cause), sent=False, timed_out=timed_out)
        if timed_out:
            return CallFailed(u"%s did not answer in time" % host, sent=True, timed_out=True)
        return CallFailed(u"%s broke the connection: %s" % (host, cause), sent=True)

    def _trace(self, method, url, status, started, wall, failure):
        bare = url.split("?", 1)[0]
        milliseconds = int((monotonic() - started) * 1000)
        logger_api.info(
            json.dumps(
                {
                    "message": "Request outgoing finished, method=%s url=%s" % (method, bare),
                    "type": "pyls-comp-api",
                    "request_id": self._context.get("request_id"),
                    "req_app_code": self._context.get("app_code"),
                    "req_system_name": "CMSI",
                    "req_component_name": self._context.get("component"),
                    "req_url": bare,
                    "req_status": status,
                    "req_exception": failure.reason if failure is not None else None,
                    "req_msecs_cost": milliseconds,
                    "req_start_time": _stamp(wall),
                    "req_end_time": _stamp(wall + milliseconds / 1000.0),
                }
            )
        )


def _stamp(wall):
    # UTC, as the ESB's own lines.
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(wall))
