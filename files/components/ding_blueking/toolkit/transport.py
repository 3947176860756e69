# -*- coding: utf-8 -*-
"""HTTP by `requests`: kept connections, verified TLS, a limit on each call's whole time, and a trace without secrets."""
from __future__ import absolute_import, division, print_function

import io
import json
import os
import re
import socket
import threading
import time
from collections import namedtuple

import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ClosedPoolError, ProxyError, SSLError, TimeoutError
from urllib3.util import Timeout

from common.log import logger_api

from .names import HTTPException, HTTPResponse, monotonic, native, text_type, urlencode
from .secret import guard_library_logs, redact
from .version import __version__

# An answer of DingTalk or user management is some kilobytes; 400 users with long extras stay below this.
MAX_ANSWER = 8 * 1024 * 1024
MAX_KEPT_CONNECTIONS = 64
# Idle connections are closed by load balancers without a word; a call over such a one would end "uncertain".
MAX_IDLE_SECONDS = 20
MAX_ROUTES = 100

_OUR_HEADERS = {"User-Agent": "ding.blueking/" + __version__, "Accept": "application/json", "Accept-Encoding": "gzip"}

_USER_INFO = re.compile(r"//[^/]*@")

Answer = namedtuple("Answer", "status content_type body")


class CallFailed(Exception):
    """A call without an answer. `sent` is False when the request certainly did not reach the other side."""

    def __init__(self, reason, sent, timed_out=False, final=False):
        """final: the call could not even be tried, and the next one would not fare better."""
        super(CallFailed, self).__init__(reason)
        self.reason = reason
        self.sent = sent
        self.timed_out = timed_out
        self.final = final


class _Progress(threading.local):
    """How far the running call of this thread has come."""

    connecting = False
    sent = False
    deadline = float("inf")


_progress = _Progress()


# --- a read time-out for the whole answer -------------------------------------------------------------------------


class _TimedSource(io.RawIOBase):
    """Reads of one socket that together end at a deadline: the library's own time-out starts anew with each byte."""

    def __init__(self, sock, inner):
        super(_TimedSource, self).__init__()
        self._sock = getattr(inner, "_sock", None) or sock
        self._raw = getattr(inner, "raw", None)
        self._inner = inner
        self._timeout = self._sock.gettimeout() if hasattr(self._sock, "gettimeout") else None
        self._deadline = None if self._timeout is None else min(monotonic() + self._timeout, _progress.deadline)

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


def _timed(connection_class):
    class Connection(connection_class):
        response_class = _TimedResponse

        def connect(self):
            # What fails in here (name, TCP, proxy tunnel, TLS) fails before the request is sent.
            _progress.connecting = True
            result = connection_class.connect(self)
            _progress.connecting = _progress.sent = False
            return result

        def send(self, data):
            if self.sock is None:
                self.connect()
            _progress.sent = True
            return connection_class.send(self, data)

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

    def pool(self, request, proxies, verify):
        """The pool that `requests` itself would take for a prepared request, set up for TLS."""
        if hasattr(self, "get_connection_with_tls_context"):
            pool = self.get_connection_with_tls_context(request, verify, proxies=proxies)
        else:
            pool = self.get_connection(request.url, proxies)
        self.cert_verify(pool, request.url, verify, None)
        return pool


# --- peers: the process's one store of connections -----------------------------------------------------------------


class _Peers(object):
    """Connections to one kind of peer, those of a process and of the time before its last long pause apart."""

    def __init__(self):
        self._lock = threading.Lock()
        self._kept = {}

    def get(self, kind):
        now = monotonic()
        key = (os.getpid(), kind)
        with self._lock:
            peer, used = self._kept.get(key, (None, now))
            if peer is not None and now - used > MAX_IDLE_SECONDS:
                # A connection that is out with a call stays usable: its pool closes it on its return.
                peer.close()
                peer = None
            if peer is None:
                peer = _Peer(kind)
            self._kept[key] = (peer, now)
        return peer


class _Peer(object):
    """`requests`' own choice of proxies, CA bundles and pools, made once for each address and not for each call."""

    def __init__(self, kind):
        guard_library_logs()
        self._session = requests.Session()
        self._session.trust_env = kind == "internet"
        self._adapter = _Adapter(pool_connections=16, pool_maxsize=MAX_KEPT_CONNECTIONS, max_retries=0)
        self._routes = {}

    def route(self, base, proxies, verify):
        """(pool, whether its requests name whole URLs, as proxies of plain HTTP want them).

        The call's own proxy and CA bundle go before the environment's.
        """
        key = (base, (proxies or {}).get("https"), verify)
        route = self._routes.get(key)
        if route is None:
            request = requests.Request("GET", base + "/").prepare()
            chosen = self._session.merge_environment_settings(request.url, dict(proxies or {}), None, verify, None)
            pool = self._adapter.pool(request, chosen["proxies"], chosen["verify"])
            route = pool, not self._adapter.request_url(request, chosen["proxies"]).startswith("/")
            if len(self._routes) >= MAX_ROUTES:
                self._routes.clear()
            self._routes[key] = route
        return route

    def close(self):
        self._adapter.close()


_peers = _Peers()


def _root_cause(error):
    """The innermost text of a chain of library errors: the outer ones quote the URL with its token."""
    for _ in range(8):
        inner = getattr(error, "reason", None)
        if not isinstance(inner, Exception):
            inner = next((a for a in getattr(error, "args", ()) if isinstance(a, Exception)), None)
        if inner is None:
            break
        error = inner
    if isinstance(error, HTTPException) and not isinstance(error, EnvironmentError):
        # Its text is what the other side sent.
        return text_type(error.__class__.__name__)
    words = text_type(getattr(error, "strerror", None) or error)
    # Before this the library names its own connection object.
    words = words.rsplit(u"new connection: ", 1)[-1]
    return redact(words)[:200] or error.__class__.__name__


def _read(response):
    chunks, size = [], 0
    while True:
        chunk = response.read(65536, decode_content=True)
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
        _progress.connecting = _progress.sent = False
        _progress.deadline = deadline
        parts = url.split("/", 3)
        base, target = "/".join(parts[:3]), "/" + (parts[3] if len(parts) > 3 else "")
        try:
            if query:
                target += "?" + urlencode({name: value.encode("utf-8") for name, value in query.items()})
            pool, absolute = _peers.get(self._kind).route(base, self._proxies, self._verify)
            response = pool.urlopen(
                native(method),
                native(base + target if absolute else target),
                body=body,
                headers=dict(_OUR_HEADERS, **{native(name): native(value) for name, value in (headers or {}).items()}),
                timeout=Timeout(connect=min(self._connect_timeout, left), read=min(self._read_timeout, left)),
                retries=False,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
            )
            try:
                status = response.status
                answer = Answer(status, response.headers.get("Content-Type", ""), _read(response))
            finally:
                response.close()
        except Exception as error:  # every library below has its own idea of an error's class
            failure = self._failure(error, base.split("//", 1)[-1].rsplit("@", 1)[-1].rsplit(":", 1)[0])
        self._trace(method, url, status if failure is None else -1, started, wall, failure)
        if failure is not None:
            raise failure
        return answer

    def is_connected(self, url):
        """Whether a kept connection to a URL's host waits for a call."""
        base = "/".join(url.split("/", 3)[:3])
        try:
            pool, _ = _peers.get(self._kind).route(base, self._proxies, self._verify)
        except Exception:  # what is wrong with the address, the proxy or the CA bundle, the call itself will say
            return False
        waiting = getattr(pool.pool, "queue", ())
        return any(getattr(connection, "sock", None) is not None for connection in list(waiting))

    @staticmethod
    def _failure(error, host):
        sent = _progress.sent and not _progress.connecting
        if not sent and not _progress.connecting and not isinstance(error, ClosedPoolError):
            # Not even a connection was tried. The library's words would quote what it could not use: headers, passwords.
            return CallFailed(
                u"no call to %s can be made (%s): check oapi_url, api_url, proxy and ca_bundle of channel /cmsi/send_ding/"
                % (host, error.__class__.__name__), sent=False, final=True)
        cause = _root_cause(error)
        timed_out = isinstance(error, (TimeoutError, socket.timeout)) or "timed out" in cause
        if not sent and isinstance(error, ProxyError):
            return CallFailed(u"the proxy gave no connection to %s: %s" % (host, cause), sent=False)
        if not sent and isinstance(error, SSLError):
            hint = u"; a private CA is named by setting ca_bundle of channel /cmsi/send_ding/"
            return CallFailed(u"TLS with %s failed: %s%s" % (host, cause, hint), sent=False)
        if not sent:
            return CallFailed(u"no connection to %s: %s" % (host, cause), sent=False, timed_out=timed_out)
        if timed_out:
            return CallFailed(u"%s did not answer in time" % host, sent=True, timed_out=True)
        return CallFailed(u"%s broke the connection: %s" % (host, cause), sent=True)

    def _trace(self, method, url, status, started, wall, failure):
        bare = _USER_INFO.sub("//", url.split("?", 1)[0])
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
