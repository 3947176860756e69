"""A small server on 127.0.0.1 that misbehaves as it is told, and keeps what it was sent."""

import contextlib
import json
import socket
import ssl
import struct
import subprocess
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

ENDLESS_BLOCK = b"x" * 65536
DRIP_SECONDS = 0.2
NOTICED_SECONDS = 10
HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict
    body: bytes


class Faulty:
    """`with Faulty(fault) as server:` server.url, server.requests. fault(connection, request, server) gives the answer.

    `healthy`: another such function for requests that should go well; it returns False for those that it leaves to
    the fault. `certificate`: (certificate file, key file) to speak TLS with. server.seconds has, for each fault, how
    long the other side put up with it.
    """

    def __init__(self, fault, healthy=None, certificate=None):
        self.fault, self.healthy = fault, healthy
        self.requests, self.seconds = [], []
        self.working = 0
        self.stopped = threading.Event()
        self._tls = None
        if certificate:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(*certificate)
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port = self._socket.getsockname()[1]
        self.url = "%s://127.0.0.1:%d" % ("https" if certificate else "http", self.port)

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        # A blocked accept() does not notice that its socket is closed.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def longest(self):
        """The longest of its seconds. A server that drips notices only with its next bytes that nobody listens any more."""
        limit = time.monotonic() + NOTICED_SECONDS
        while self.working or not self.seconds:
            assert time.monotonic() < limit, "the fault began %s times and is not over" % self.working
            time.sleep(0.05)
        return max(self.seconds)

    def methods(self):
        return [request.method for request in self.requests]

    def _accept(self):
        while not self.stopped.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        # The other side goes away in the middle of most faults: that is their point.
        with contextlib.suppress(OSError, ValueError):
            if getattr(self.fault, "without_request", False):
                self._misbehave(connection, None)
                return
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            connection.settimeout(30)
            request = _read(connection)
            if request is None:
                return
            self.requests.append(request)
            if self.healthy is None or self.healthy(connection, request, self) is False:
                self._misbehave(connection, request)
        with contextlib.suppress(OSError):
            connection.close()

    def _misbehave(self, connection, request):
        began = time.monotonic()
        self.working += 1
        try:
            self.fault(connection, request, self)
        finally:
            self.seconds.append(time.monotonic() - began)
            self.working -= 1


def _read(connection):
    head = b""
    while b"\r\n\r\n" not in head:
        more = connection.recv(65536)
        if not more:
            return None
        head += more
    head, body = head.split(b"\r\n\r\n", 1)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length") or 0):
        body += connection.recv(65536)
    method, path, _ = first.split(" ", 2)
    return Request(method, path, headers, body)


# --- answers ------------------------------------------------------------------------------------------------------


def send(connection, body, status="200 OK", kind="application/json", length=None, more=""):
    connection.sendall(_head(status, kind, len(body) if length is None else length, more) + body)


def _head(status, kind, length, more=""):
    return ("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n%s\r\n" % (status, kind, length, more)).encode()


def answer(body, status="200 OK"):
    """Any JSON as the answer to everything."""
    return text(json.dumps(body, ensure_ascii=False), status)


def text(body, status="200 OK", kind="application/json", more=""):
    def fault(connection, request, server):
        send(connection, body.encode("utf-8"), status, kind, more=more)
    return fault


def echo(connection, request, server):
    """A proxy's error page that shows the request, credentials included."""
    shown = "\n".join("%s: %s" % item for item in request.headers.items() if item[0] not in ("host", "user-agent", "accept-encoding"))
    page = "<html><body>%s %s</body></html>" % (shown, request.body.decode("utf-8", "replace"))
    send(connection, page.encode("utf-8"), "502 Bad Gateway", "text/html")


def hang_before_headers(connection, request, server):
    _wait_until_gone(connection, server)


def hang_after_headers(connection, request, server):
    connection.sendall(_head("200 OK", "application/json", 500))
    _wait_until_gone(connection, server)


def hang_in_body(connection, request, server):
    connection.sendall(_head("200 OK", "application/json", 500) + b'{"result": true, ')
    _wait_until_gone(connection, server)


def _wait_until_gone(connection, server):
    connection.settimeout(0.1)
    while not server.stopped.is_set():
        try:
            if not connection.recv(1024):
                return
        except TimeoutError:
            continue


def reset_at_once(connection, request, server):
    _reset(connection)


reset_at_once.without_request = True


def reset_after_request(connection, request, server):
    _reset(connection)


def reset_in_body(connection, request, server):
    connection.sendall(_head("200 OK", "application/json", 500) + b'{"result": true, ')
    _reset(connection)


def cut_body(connection, request, server):
    """A proper end of the connection, too early."""
    connection.sendall(_head("200 OK", "application/json", 500) + b'{"result": true, ')


def drip(connection, request, server):
    body = b'{"result": true, "code": 0, "message": "' + b"x" * 5000 + b'", "data": []}'
    connection.sendall(_head("200 OK", "application/json", len(body)))
    for number in range(len(body)):
        connection.sendall(body[number:number + 1])
        if server.stopped.wait(DRIP_SECONDS):
            return


def drip_headers(connection, request, server):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not server.stopped.wait(DRIP_SECONDS):
        connection.sendall(b"X-Slow: 1\r\n")


def endless(connection, request, server):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n[")
    while not server.stopped.is_set():
        connection.sendall(ENDLESS_BLOCK)


def redirect(target):
    return text("", "302 Found", "text/plain", "Location: %s\r\n" % target)


def _reset(connection):
    """RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def certificate(folder):
    """(certificate file, key file) that nobody trusts."""
    files = str(folder / "certificate.pem"), str(folder / "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    return files


# --- what goes well ---------------------------------------------------------------------------------------


def message_types(active=True):
    """Answers the list of message types, `ding` among them, and leaves all else to the fault."""
    rows = [{"type": "weixin", "label": "weixin", "icon": "", "is_active": True}, {"type": "ding", "label": "DingTalk", "icon": "", "is_active": active}]

    def healthy(connection, request, server):
        if request.method != "GET" or not request.path.endswith("/cmsi/get_msg_type/"):
            return False
        answer({"result": True, "code": 0, "message": "", "data": rows})(connection, request, server)
        return True
    return healthy


def reads_of(url):
    """Hands GETs on to a service that is in order, and leaves writes to the fault."""
    def healthy(connection, request, server):
        if request.method != "GET":
            return False
        kept = {name: value for name, value in request.headers.items() if name not in ("host", "connection")}
        try:
            with urllib.request.urlopen(urllib.request.Request(url + request.path, headers=kept), timeout=20) as found:
                status, body = found.status, found.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        send(connection, body, "%d Handed on" % status)
        return True
    return healthy
