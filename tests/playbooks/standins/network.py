"""A container's own network: a namespace with an address of its own, and a proxy that publishes a port of it on 127.0.0.1, as docker has them."""

import os
import subprocess
import sys
import time

from sandbox import processes

ADDRESS, OUTER = "10.231.77.2", "10.231.77.1"
PROXY = """
import socket, sys, threading
words = dict(zip(sys.argv[1:], sys.argv[2:]))
there = (words["-container-ip"], int(words["-container-port"]))
def pump(a, b):
    try:
        while True:
            data = a.recv(65536)
            if not data:
                break
            b.sendall(data)
    except OSError:
        pass
    for each in (a, b):
        try:
            each.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", int(words["-host-port"])))
server.listen(64)
while True:
    here, _ = server.accept()
    try:
        far = socket.create_connection(there, timeout=10)
    except OSError:
        here.close()
        continue
    for pair in ((here, far), (far, here)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
"""


def problem():
    """Why there can be no such network on this machine; "" when there can."""
    if os.geteuid():
        return "a network of its own needs root"
    tried = subprocess.run(["ip", "link", "add", "dingtry0", "type", "veth", "peer", "name", "dingtry1"], capture_output=True, text=True)
    if tried.returncode:
        return "this machine makes no virtual networks: %s" % tried.stderr.strip()
    subprocess.run(["ip", "link", "del", "dingtry0"], check=True)
    return ""


class Network:
    """A context; words(command) puts a server that binds 127.0.0.1:PORT into it, and publishes the port."""

    def __init__(self):
        self.name, self.link = "ding-%d" % os.getpid(), "ding%d" % (os.getpid() % 100000)
        self._proxy = None

    def __enter__(self):
        try:
            for words in (["netns", "add", self.name], ["link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.name],
                          ["addr", "add", OUTER + "/30", "dev", self.link], ["link", "set", self.link, "up"],
                          ["-n", self.name, "addr", "add", ADDRESS + "/30", "dev", "eth0"], ["-n", self.name, "link", "set", "eth0", "up"],
                          ["-n", self.name, "link", "set", "lo", "up"]):
                subprocess.run(["ip", *words], check=True, capture_output=True)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._proxy:
            self._proxy.kill()
            self._proxy.wait(10)
        for words in (["link", "del", self.link], ["netns", "del", self.name]):
            subprocess.run(["ip", *words], check=False, capture_output=True)

    def words(self, command):
        place = next(number for number, word in enumerate(command) if word.startswith("127.0.0.1:"))
        port = command[place].rpartition(":")[2]
        # Known by its name, as docker's own is.
        self._proxy = subprocess.Popen(["docker-proxy", "-c", PROXY, "-proto", "tcp", "-host-ip", "127.0.0.1", "-host-port", port,
                                        "-container-ip", ADDRESS, "-container-port", port],
                                       executable=getattr(sys, "_base_executable", sys.executable), stdin=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while not processes.port_taken(int(port)):
            assert time.monotonic() < end and self._proxy.poll() is None
            time.sleep(0.05)
        return ["ip", "netns", "exec", self.name, *command[:place], "0.0.0.0:" + port, *command[place + 1:]]
