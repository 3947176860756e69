"""Small loopback servers: a TLS front, a port that opens late, a recording forward proxy."""

import select
import socket
import ssl
import threading
from urllib.parse import urlsplit


class Server(object):
    """Accepts on 127.0.0.1 and handles each connection in a thread; `with` starts and stops it."""

    def __init__(self, port=0):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.connections = 0
        self._open = set()

    def __enter__(self):
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        try:
            # close() alone would let the waiting accept() take one connection more.
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it never listened
        self.listener.close()
        for connection in list(self._open):
            connection.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._run, args=(client,), daemon=True).start()

    def _run(self, client):
        self._open.add(client)
        try:
            self.handle(client)
        except (OSError, ValueError):
            pass
        finally:
            self._open.discard(client)
            client.close()

    def handle(self, client):
        """What this kind of server does with a connection; the plain one accepts it and closes it."""


def pipe(one, other):
    """Copy both ways until either side ends."""
    while True:
        pending = [s for s in (one, other) if isinstance(s, ssl.SSLSocket) and s.pending()]
        ready = pending or select.select([one, other], [], [], 30)[0]
        if not ready:
            return
        for source in ready:
            data = source.recv(65536)
            if not data:
                return
            (other if source is one else one).sendall(data)


def connect_to(url):
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=30)


class Front(Server):
    """Forwards to `target`, with TLS when given a server context."""

    def __init__(self, target, context=None, port=0):
        super().__init__(port)
        self.target, self.context = target, context

    @property
    def url(self):
        # localhost, not 127.0.0.1: Python 2.7 does not match addresses in a certificate.
        return "%s://localhost:%d" % ("https" if self.context else "http", self.port)

    def handle(self, client):
        client.settimeout(30)
        if self.context:
            client = self.context.wrap_socket(client, server_side=True)
        with connect_to(self.target) as upstream:
            pipe(client, upstream)
        client.close()


class Proxy(Server):
    """A forward proxy that writes down what it was asked for: [(method, target, header text)]."""

    def __init__(self):
        super().__init__()
        self.asked = []

    url = property(lambda self: "http://127.0.0.1:%d" % self.port)

    def handle(self, client):
        client.settimeout(30)
        while True:
            head, rest = self._head(client)
            if not head:
                return
            line, _, headers = head.partition("\r\n")
            method, target, version = line.split(" ")
            self.asked.append((method, target, headers))
            if method == "CONNECT":
                with connect_to("//" + target) as upstream:
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    pipe(client, upstream)
                return
            parts = urlsplit(target)
            path = parts.path + ("?" + parts.query if parts.query else "")
            kept = [h for h in headers.split("\r\n") if h and not h.lower().startswith(("proxy-", "connection:"))]
            request = "\r\n".join(["%s %s %s" % (method, path, version)] + kept + ["Connection: close", "", ""])
            with connect_to(target) as upstream:
                upstream.sendall(request.encode("latin-1") + rest)
                pipe(client, upstream)
            return

    @staticmethod
    def _head(client):
        data = b""
        while b"\r\n\r\n" not in data:
            more = client.recv(65536)
            if not more:
                return "", b""
            data += more
        head, _, rest = data.partition(b"\r\n\r\n")
        return head.decode("latin-1"), rest


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
