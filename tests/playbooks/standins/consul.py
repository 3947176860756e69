"""A stand-in for Consul's agent on one host, with what esb_drain asks of it; answers are worded and coded as Consul's own."""

import http.server
import json
import threading
import time
import urllib.parse

SERVICE = "paas-esb"


class Agent:
    """A context. url; instance: the id of this host's service; puts: [(seconds, instance, enable, reason)]; out: {instance: reason}."""

    def __init__(self, node="paas1", others=("paas2",), token=""):
        self.node, self.token, self.instance = node, token, "%s-%s-0000-11ee-8000-525400000000" % (SERVICE, node)
        # As written into /etc/consul.d/service by reg_consul_svc, beside another service of the host.
        self.services = {each["ID"]: each for each in (
            {"ID": self.instance, "Service": SERVICE, "Address": "10.0.0.1", "Port": 8002},
            {"ID": "paas-login-1", "Service": "paas-login", "Address": "10.0.0.1", "Port": 8003})}
        self.others, self.out, self.puts, self.broken = list(others), {}, [], False
        # How often the service's own check still fails after the service was put back.
        self.failing = 0

    def handler(self):
        """The class of requests that this agent answers, for a server."""
        agent = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                agent._answer(self, agent._get)

            def do_PUT(self):
                agent._answer(self, agent._put)

            def log_message(self, *arguments):
                pass

        return Handler

    def __enter__(self):
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self._server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request, work):
        if self.broken:
            status, body = 500, "No cluster leader"
        elif self.token and request.headers.get("X-Consul-Token") != self.token:
            status, body = 403, "Permission denied"
        else:
            status, body = work(urllib.parse.urlsplit(request.path))
        raw = (body if isinstance(body, str) else json.dumps(body)).encode()
        request.send_response(status)
        request.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json")
        request.send_header("Content-Length", str(len(raw)))
        request.end_headers()
        request.wfile.write(raw)

    def _get(self, parts):
        if parts.path == "/v1/agent/services":
            return 200, self.services
        if parts.path == "/v1/agent/checks":
            checks = {"service:" + name: {"Node": self.node, "CheckID": "service:" + name, "Name": "Service '%s' check" % each["Service"], "Notes": "",
                                          "Status": "passing", "ServiceID": name} for name, each in self.services.items()}
            if self.failing and not self.out:
                self.failing -= 1
                checks["service:" + self.instance]["Status"] = "critical"
            for name, reason in self.out.items():
                checks["_service_maintenance:" + name] = {"Node": self.node, "CheckID": "_service_maintenance:" + name, "Notes": reason,
                                                          "Name": "Service Maintenance Mode", "Status": "critical", "ServiceID": name}
            return 200, checks
        if parts.path.startswith("/v1/health/service/") and urllib.parse.parse_qs(parts.query) == {"passing": ["1"]}:
            own = [] if self.instance in self.out else [(self.node, self.instance)]
            return 200, [{"Node": {"Node": node}, "Service": {"ID": name, "Service": SERVICE}, "Checks": []}
                         for node, name in own + [(node, "%s-%s" % (SERVICE, node)) for node in self.others] if parts.path.endswith("/" + SERVICE)]
        return 404, "404 page not found"

    def _put(self, parts):
        name, query = parts.path.rpartition("/")[2], urllib.parse.parse_qs(parts.query)
        if parts.path.rpartition("/")[0] != "/v1/agent/service/maintenance" or name not in self.services:
            return 404, 'Unknown service ID "%s". Ensure that the service ID is passed, not the service name.' % name
        enable, reason = query["enable"] == ["true"], query.get("reason", [""])[0]
        self.puts.append((time.monotonic(), name, enable, reason))
        if enable:
            self.out[name] = reason
        else:
            self.out.pop(name, None)
        return 200, ""
