# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""BlueKing's install.config and .bkrc as plain data.

A line counts when it begins with an IPv4 address; what follows are modules, as `module` or `module(project)`, parted by
blanks or commas. Everything else (headers in brackets, comments, blank and indented lines) means nothing to the
platform's own parser. Source: bin/bk-install-config-parser.awk of TencentBlueKing/bk-install. We take the same hosts and
groups from every file that it accepts, but refuse what it passes over in silence though a host may be meant: a number
that is no address, and an address without a module.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

_ADDRESS = re.compile(r"^[0-9]+(?:\.[0-9]+){3}$")
_BEGINS_LIKE_A_HOST = re.compile(r"^[0-9]")
_MODULE = re.compile(r"^(?P<module>[a-z][a-z0-9_]*)(?:\((?P<project>[a-z][a-z0-9_]*(?:-[a-z][a-z0-9_]*)*)\))?$")
_INSTALL_PATH = re.compile(r"""^\s*(?:export\s+)?INSTALL_PATH=(?P<quote>["']?)(?P<path>/[^"'\s;#]*)(?P=quote)\s*(?:[;#].*)?$""")


class MalformedLine(ValueError):
    """The text names the line and what is wrong with it."""


def parse(text):
    """{address: [group, …]} in the file's order; a project gives the groups `module` and `module_project`. Raises MalformedLine."""
    hosts = {}
    for number, line in _lines(text):
        if not _BEGINS_LIKE_A_HOST.match(line):
            continue
        words = re.split(r"[ \t,]+", line)
        groups = hosts.setdefault(_address(number, words[0]), [])
        if not any(words[1:]):
            raise MalformedLine("line %d: the host %s has no module" % (number, words[0]))
        for word in words[1:]:
            groups.extend(group for group in _groups(number, word) if group not in groups)
    return hosts


def passed_over(text):
    """[(number, line), …] of lines that mean nothing, and are neither blank nor a header, a comment or a label."""
    return [(number, line) for number, line in _lines(text)
            if line and not _BEGINS_LIKE_A_HOST.match(line) and not line.lstrip().startswith(("[", "#", ":"))]


def install_path(text):
    """The value of INSTALL_PATH in a .bkrc, None when it sets none; the last one wins, as in a shell."""
    found = [match.group("path") for match in map(_INSTALL_PATH.match, text.splitlines()) if match]
    return found[-1].rstrip("/") or "/" if found else None


def _lines(text):
    """(number, line), without blanks and a carriage return at the end. Unlike splitlines: awk knows line feeds only."""
    return [(number, line.rstrip(" \t\r")) for number, line in enumerate(text.split("\n"), 1)]


def _address(number, word):
    if not _ADDRESS.match(word) or any(int(part) > 255 for part in word.split(".")):
        raise MalformedLine("line %d: %s is not an IPv4 address" % (number, word))
    return word


def _groups(number, word):
    match = _MODULE.match(word)
    if not match:
        raise MalformedLine("line %d: %s is neither module nor module(project)"
                            % (number, "the end, after a comma," if not word else '"%s"' % word))
    module, project = match.group("module"), match.group("project")
    yield module
    if project:
        # Group names are identifiers: projects such as influxdb-proxy have dashes.
        yield "%s_%s" % (module, project.replace("-", "_"))
