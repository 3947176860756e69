# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The unit of the service that sends queued messages: its text and its command line. Nothing here looks at a host.

systemd 219 (CentOS 7) to today's read it; MemoryMax= came with 231. Where the ESB is in a container, the unit enters it.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

UNIT = "bk-paas-esb-ding.service"
FOLDER = "/etc/systemd/system"
TARGET = "bk-paas.target"
# In the first line of a unit file that is ours.
MARK = "# Written by ding.blueking"
MODE = 0o644
MEMORY = "512M"
MEMORY_MAX_SINCE = 231
# The service ends a call that runs; the longest takes 12 s.
STOP_SECONDS = 30
# The exit code with which it ends when its package was replaced.
REPLACED = 75
_PLAIN = re.compile(r"^[A-Za-z0-9_@+=:,./-]+\Z")

TEXT = u"""\
%(mark)s, which replaces it. What this site wants otherwise belongs into a drop-in: systemctl edit %(unit)s
[Unit]
Description=BlueKing ESB: sends the DingTalk messages that wait
After=network.target%(after)s
%(part_of)s
[Service]
Type=simple
%(run)s
# It ends by itself with %(replaced)d when its package was replaced, and the new one starts.
Restart=always
RestartSec=1
SuccessExitStatus=%(replaced)d
StartLimitInterval=0
TimeoutStopSec=%(stop)d
%(memory)s=%(most)s
NoNewPrivileges=yes

[Install]
WantedBy=%(wanted_by)s
"""


class Place:
    """Where the service runs. environment: {name: value}; engine: the words up to the container's name, [] without one; python: words;
    script: the package's _service.py as that Python sees it; user, group: who it is on the host; owner: "uid:gid" in a container, or ""."""

    def __init__(self, environment, python, script, user="", group="", engine=(), owner=""):
        self.environment, self.python, self.script = environment, list(python), script
        self.user, self.group, self.engine, self.owner = user, group, list(engine), owner

    def entered(self, script):
        """The words with which a script beside _service.py is run in the container."""
        options = [word for name in sorted(self.environment) for word in ("--env", "%s=%s" % (name, self.environment[name]))]
        return (self.engine[:1] + ["exec"] + options + (["--user", self.owner] if self.owner else []) + self.engine[1:]
                + self.python + ["-B", script])

    def words(self):
        """The words that start the service, with its environment."""
        if self.engine:
            return self.entered(self.script)
        return ["env"] + ["%s=%s" % (name, self.environment[name]) for name in sorted(self.environment)] + self.python + ["-B", self.script]


def text(place, unit, esb_unit, target, version):
    """The unit file. esb_unit, target: other units of this host, "" for none; version: systemd's."""
    after = [esb_unit] if esb_unit else []
    return TEXT % dict(
        mark=MARK, unit=unit, after="".join(" " + each for each in after), part_of="PartOf=%s\n" % target if target else "",
        run=_in_container(place) if place.engine else _on_host(place), replaced=REPLACED, stop=STOP_SECONDS,
        memory="MemoryMax" if version >= MEMORY_MAX_SINCE else "MemoryLimit", most=MEMORY, wanted_by=target or "multi-user.target")


def is_ours(found):
    """Whether a unit file's text is one of ours; None: there is none."""
    return found is not None and found.startswith(MARK)


def _on_host(place):
    lines = ["User=%s" % place.user, "Group=%s" % place.group]
    lines += ["Environment=%s" % quoted("%s=%s" % (name, place.environment[name]), dollar="$") for name in sorted(place.environment)]
    return "\n".join(lines + ["ExecStart=%s" % line(place.python + ["-B", place.script])])


def _in_container(place):
    """docker exec hands no signal on, and what it has started outlives it: a script beside the service ends that."""
    end = line(place.entered(place.script.rpartition("/")[0] + "/_service_stop.py"))
    return "\n".join(["ExecStartPre=-%s" % end, "ExecStart=%s" % line(place.entered(place.script)), "ExecStop=-%s" % end])


def line(words):
    return " ".join(quoted(word) for word in words)


def quoted(word, dollar="$$"):
    """A word as systemd reads it: % begins a specifier there, and $ a variable in a command line."""
    if _PLAIN.match(word):
        return word
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", dollar)):
        word = word.replace(plain, escaped)
    return '"%s"' % word
