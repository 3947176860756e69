# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Which processes serve a port, read from /proc: uWSGI, gunicorn of any worker class, and either of them in a container.

A process is a plain dict: pid, started (seconds since 1970), ticks (since the host's start: with the pid it tells this
process from every other), worker (whether it serves requests; a master keeps its pid over a graceful re-load, its workers do not).
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import io
import os
import socket
import struct
import time

from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

LISTEN = "0A"
INIT = 1
EVERYWHERE = ("0.0.0.0", "::")
# What holds a container's published port on the host; the service itself listens in the container's own network.
PROXIES = ("docker-proxy", "rootlesskit", "rootlessport", "slirp4netns")


def serving(port, addresses=(), proc="/proc", now=None, ticks_per_second=None):
    """The processes that serve this port, on one of these IP addresses when any of them listens there. [] when there are none.

    Raises Problem when /proc cannot be read, or not by this user.
    """
    table = _table(proc)
    sockets = _listening(os.path.join(proc, "net"), port, addresses)
    holders, denied = _holders(proc, table, sockets)
    proxies = set(pid for pid in holders if _program(proc, pid) in PROXIES)
    if not holders - proxies and not (sockets and denied):
        # A published port without a process of its own (a rule of the firewall) has no listener here at all.
        holders = _in_containers(proc, table, proxies, port)
    elif not holders:
        raise Problem("The processes behind port %d belong to another user: run this module as root (become: true)." % port)
    else:
        holders -= proxies
    family = _family(proc, table, holders)
    workers = set(pid for pid in family if table[pid][0] in family) or family
    now = time.time() if now is None else now
    started = _clock(proc, now, ticks_per_second or os.sysconf("SC_CLK_TCK"))
    return [dict(pid=pid, started=started(table[pid][1]), ticks=table[pid][1], worker=pid in workers) for pid in sorted(family)]


def workers(processes):
    return [each for each in processes if each["worker"]]


def owner(processes, proc="/proc"):
    """"uid:gid" of the workers, as this host sees them; None without one."""
    for each in workers(processes):
        try:
            found = os.stat(os.path.join(proc, "%d" % each["pid"]))
        except OSError:
            continue
        return "%d:%d" % (found.st_uid, found.st_gid)
    return None


def left_over(before, processes):
    """Of the workers seen before, those that still run, be it without their master."""
    known = set((each["pid"], each["ticks"]) for each in workers(before))
    return [each for each in processes if (each["pid"], each["ticks"]) in known]


def older_than(seconds, processes):
    """The workers that were started before this time (seconds since 1970; None: there are none)."""
    return [] if seconds is None else [each for each in workers(processes) if each["started"] < seconds]


def _table(proc):
    """{pid: (parent's pid, ticks at the start)} without dead processes that nobody has waited for."""
    try:
        names = os.listdir(proc)
    except OSError as error:
        raise Problem("The processes of this host cannot be seen: %s: %s." % (proc, os.strerror(error.errno)))
    table = {}
    for name in names:
        if name.isdigit():
            # The name of a program may hold blanks and brackets.
            fields = _read(os.path.join(proc, name, "stat")).rpartition(")")[2].split()
            if len(fields) > 19 and fields[0] not in ("Z", "X"):
                table[int(name)] = (int(fields[1]), int(fields[19]))
    return table


def _listening(net, port, addresses):
    """The inodes of the sockets that listen on the port."""
    found = []
    for name in ("tcp", "tcp6"):
        for line in _read(os.path.join(net, name)).splitlines()[1:]:
            fields = line.split()
            if len(fields) > 9 and fields[3] == LISTEN:
                address, its_port = fields[1].split(":")
                if int(its_port, 16) == port:
                    found.append((_address(address), fields[9]))
    fitting = [inode for address, inode in found if address in EVERYWHERE or address in addresses]
    return set(fitting or [inode for address, inode in found])


def _address(text):
    """The kernel prints each word of 32 bits as this machine holds it."""
    packed = b"".join(struct.pack("=I", int(text[place:place + 8], 16)) for place in range(0, len(text), 8))
    if len(packed) == 4:
        return socket.inet_ntop(socket.AF_INET, packed)
    if packed.startswith(b"\0" * 10 + b"\xff\xff"):
        return socket.inet_ntop(socket.AF_INET, packed[12:])
    return socket.inet_ntop(socket.AF_INET6, packed)


def _holders(proc, pids, inodes):
    """(pids that have one of these sockets open, whether any process's files could not be seen)."""
    wanted = set("socket:[%s]" % inode for inode in inodes)
    found, denied = set(), False
    for pid in pids if wanted else ():
        folder = os.path.join(proc, str(pid), "fd")
        try:
            for name in os.listdir(folder):
                if _link(os.path.join(folder, name)) in wanted:
                    found.add(pid)
                    break
        except OSError as error:
            denied = denied or error.errno in (errno.EACCES, errno.EPERM)
    # With socket activation systemd keeps the socket as well.
    return found - set([INIT]), denied


def _in_containers(proc, table, proxies, port):
    """Who listens in the networks of containers: where the proxies lead to, else wherever this port is listened on."""
    ways = [way for way in (_way(words(pid, proc)) for pid in proxies) if way] or [(None, port)]
    own = _link(os.path.join(proc, "self", "ns", "net"))
    networks = {}
    for pid in table:
        network = _link(os.path.join(proc, str(pid), "ns", "net"))
        if network and network != own:
            networks.setdefault(network, []).append(pid)
    found = set()
    for pids in networks.values():
        places = [os.path.join(proc, str(pid), "net") for pid in pids]
        net = next((place for place in places if os.path.isdir(place)), places[0])
        for address, its_port in ways:
            # The network's own addresses are the leaves of its routing table.
            if address is None or address in _read(os.path.join(net, "fib_trie")).split():
                found |= _holders(proc, pids, _listening(net, its_port, ()))[0]
    return found


def _way(started_with):
    """(address, port) in the container, from the words with which docker-proxy was started."""
    given = dict(zip(started_with, started_with[1:]))
    port = given.get("-container-port", "")
    return (given.get("-container-ip"), int(port)) if port.isdigit() else None


def _family(proc, table, holders):
    """The holders and their children of the same program: uWSGI's workers behind its own HTTP router hold another socket."""
    programs = dict((pid, _link(os.path.join(proc, str(pid), "exe"))) for pid in holders)
    family = set(holders)
    for pid, (parent, ticks) in table.items():
        if parent in holders and programs[parent] and _link(os.path.join(proc, str(pid), "exe")) == programs[parent]:
            family.add(pid)
    return family


def _clock(proc, now, ticks_per_second):
    """A function from ticks since the host's start to seconds since 1970."""
    try:
        host_started = now - float(_read(os.path.join(proc, "uptime")).split()[0])
    except (IndexError, ValueError):
        raise Problem("The host does not say for how long it has run: %s/uptime cannot be read." % proc)
    return lambda ticks: round(host_started + float(ticks) / ticks_per_second, 2)


def words(pid, proc="/proc"):
    """The words with which a process was started, or what it shows in their place; [] when it is gone."""
    return [word for word in _read(os.path.join(proc, str(pid), "cmdline")).split("\0") if word]


def _program(proc, pid):
    return os.path.basename((words(pid, proc) or [""])[0])


def _link(path):
    try:
        return os.readlink(path)
    except OSError:
        return None


def _read(path):
    """A process may end at any moment: then there is nothing to read."""
    try:
        with io.open(path, "rb") as handle:
            return handle.read().decode("latin-1")
    except (IOError, OSError):
        return ""
