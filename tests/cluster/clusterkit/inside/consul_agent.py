"""Consul's agent of one PaaS host, as a program: python3 consul_agent.py NODE ADDRESS OTHER_NODE=ADDRESS…

It looks at the ESB's port each 10 seconds, as the platform's check does, and knows of other hosts what their agents say.
"""

import http.server
import json
import socket
import sys
import threading
import time
import urllib.request

import consul

PORT, ESB_PORT, EVERY, WAIT_SECONDS = 8500, 8002, 10, 2


class HostAgent(consul.Agent):
    def __init__(self, node, address, others):
        super().__init__(node, others=())
        self.address, self.known, self.up = address, others, False
        self.services[self.instance]["Address"] = address

    def look(self):
        while True:
            with socket.socket() as probe:
                probe.settimeout(WAIT_SECONDS)
                self.up = probe.connect_ex((self.address, ESB_PORT)) == 0
            time.sleep(EVERY)

    def _get(self, parts):
        if parts.path == "/v1/agent/checks":
            status, checks = super()._get(parts)
            checks["service:" + self.instance]["Status"] = "passing" if self.up else "critical"
            return status, checks
        if parts.path == "/v1/health/service/" + consul.SERVICE:
            return 200, ([self.itself()] if self.serves() else []) + [one for node, where in self.known if (one := other(where))]
        if parts.path == "/cluster/itself":
            return 200, self.itself() if self.serves() else None
        return super()._get(parts)

    def _put(self, parts):
        if parts.path == "/cluster/back":
            self.out.clear()
            return 200, ""
        return super()._put(parts)

    def serves(self):
        return self.up and self.instance not in self.out

    def itself(self):
        return {"Node": {"Node": self.node}, "Service": {"ID": self.instance, "Service": consul.SERVICE, "Address": self.address, "Port": ESB_PORT},
                "Checks": []}


def other(address):
    """What another host's agent says of its service; None where it does not serve, or does not answer."""
    try:
        with urllib.request.urlopen("http://%s:%d/cluster/itself" % (address, PORT), timeout=WAIT_SECONDS) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return None


def main(node, address, *others):
    agent = HostAgent(node, address, [tuple(each.split("=")) for each in others])
    threading.Thread(target=agent.look, daemon=True).start()
    server = http.server.ThreadingHTTPServer(("0.0.0.0", PORT), agent.handler())
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
