# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What can be asked of one host's ESB: its processes, its health pages, its Python, its version. health.py judges the answers."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import functools
import io
import os
import re
import socket
import time

from ansible_collections.ding.blueking.plugins.module_utils import deadline, esb_inside, our_channels, outboxes, processes
from ansible_collections.ding.blueking.plugins.module_utils.esb_api import EsbApi
from ansible_collections.ding.blueking.plugins.module_utils.web import Http, open_lightly, urlsplit
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

PING_SECONDS = 5
# V6 asks four other systems there, one after the other.
HEALTHZ_SECONDS = 60
COMPONENT_SECONDS = 30
NAME_SECONDS = 5
COMPILED = (".pyc", ".pyo")
V6, V7 = "v6", "v7"

# This host's own ESB is never behind a proxy, whatever the environment says.
open_directly = functools.partial(open_lightly, use_proxy=False)
_CONFIG = re.compile(r"^\s+config\s*=", re.MULTILINE)


class HostHealth:
    """One host's ESB at `url` (its own port); `esb` is an esb_python.Esb; credentials: {app_code, app_secret, username}."""

    def __init__(self, esb, url, credentials=None, timeout=COMPONENT_SECONDS):
        self._esb = esb
        self._url = url.rstrip("/")
        self._prefix = "/api/c" if generation(esb.home) == V7 else ""
        self._credentials = credentials or {}
        self._http = Http("the ESB", self._url, timeout=timeout, open_with=open_directly)
        parts = urlsplit(self._url)
        self._name = parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)

    def processes(self):
        return processes.serving(self._port, _addresses(self._name))

    def package_time(self):
        """When the youngest of our package's files was written (seconds since 1970); None without a package.

        The time of change, which a copy cannot take along. conf.py does not count: workers do not use it.
        """
        times = [os.lstat(path).st_ctime for path in package_files(self._esb.apis) if os.path.lexists(path)]
        return max(times) if times else None

    def ping(self):
        return self._http.look(self._prefix + "/ping/", seconds=PING_SECONDS)

    def healthz(self):
        return self._http.look(self._prefix + "/healthz/", seconds=HEALTHZ_SECONDS)

    def component(self, codename, times):
        """Pages; each question has a connection of its own."""
        return [self._http.look(self._prefix + "/healthz/check_custom_codename/", {"codename": codename}) for number in range(times)]

    def imports(self):
        self._esb.check()
        return self._esb.call("esb_inside.imports", {"package": our_channels.PACKAGE}, [esb_inside])

    def version(self):
        """What our component says of itself when it is asked to send nothing; None when it says nothing."""
        answer = self.api().post("/cmsi/send_ding/", {})
        data = answer.get("data")
        found = data.get("version") if isinstance(data, dict) else None
        return "%s" % found if found else None

    def service(self):
        """(the heartbeat or None, its age in seconds or None, the version of the package that lies there or None)."""
        box = outboxes.Outboxes(self._esb.logs, time.time)
        beat = box.beat()
        return beat, box.age(beat), package_version(self._esb.apis)

    def storm(self):
        """What our component says of the messages that wait on this host."""
        return self.api().post(our_channels.STATUS_PATH, {}).get("data")

    def api(self):
        """The component API of this host, called directly. Raises Problem without credentials."""
        missing = [name for name in ("app_code", "app_secret") if not self._credentials.get(name)]
        if missing:
            raise Problem("The ESB cannot be called without %s." % " and ".join(missing))
        return EsbApi(dict(self._credentials, esb_url=self._url, api_prefix=(self._prefix or "/c") + "/compapi", timeout=COMPONENT_SECONDS,
                           validate_certs=True, ca_path=None), open_with=open_directly)


def generation(home):
    """v6, v7, or None where there is no ESB that we know, by the files of the tree."""
    if os.path.isdir(os.path.join(home, "esb", "exdb")):
        return V6
    return V7 if _CONFIG.search(_text(os.path.join(home, "esb", "bkcore", "models.py"))) else None


def package_files(apis):
    """Our package's files without byte code; [] where there is none."""
    found = []
    for place, folders, files in os.walk(os.path.join(apis, our_channels.PACKAGE)):
        found += [os.path.join(place, name) for name in files if not name.endswith(COMPILED)]
    return found


def package_version(apis):
    """The version of the package that lies there; None without one."""
    found = re.search(r'^__version__ = "([^"\n]+)"', _text(os.path.join(apis, our_channels.PACKAGE, "toolkit", "version.py")), re.MULTILINE)
    return found.group(1) if found else None


def _addresses(name):
    """The IP addresses of a host's name; () when it has none, and then any address will do."""
    try:
        with deadline.within(NAME_SECONDS):
            return set(each[4][0] for each in socket.getaddrinfo(name, None))
    except (socket.error, UnicodeError, deadline.TimeIsUp):
        return ()


def _text(path):
    try:
        with io.open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read()
    except (IOError, OSError):
        return u""
