"""Writes nginx's list of ESB hosts as Consul's template does it on a platform: python3 esb_hosts.py ADDRESS…, the addresses of the agents."""

import os
import subprocess
import sys
import time

from consul_agent import other

LIST = "/etc/nginx/esb-hosts.conf"
EVERY = 0.5


def text(addresses):
    found = [one["Service"] for address in addresses if (one := other(address))]
    lines = ["server %(Address)s:%(Port)d max_fails=1 fail_timeout=30s;\n" % each for each in found]
    return "".join(lines) or "server 127.0.0.1:65535;\n"


def main(*addresses):
    before = None
    while True:
        now = text(addresses)
        if now != before:
            with open(LIST + ".new", "w", encoding="utf-8") as handle:
                handle.write(now)
            os.replace(LIST + ".new", LIST)
            # Before nginx runs there is nothing to re-load: it then starts with the list.
            if subprocess.run(["systemctl", "is-active", "--quiet", "nginx.service"]).returncode == 0:
                subprocess.run(["nginx", "-s", "reload"], check=True)
            before = now
        time.sleep(EVERY)


if __name__ == "__main__":
    main(*sys.argv[1:])
