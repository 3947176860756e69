# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Adds channels' rows with the ESB's own code, inside the ESB's Python, and knows why one could not be added.

The ESB's sync writes all channels of conf.py: it resets names that a site has changed and, on V7, hides channels. So its
`update_channels` gets a conf client that knows the missing channels alone. Where these parts are missing or of another
shape, the whole command runs.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import inspect
import io
import logging
import os
import sys
import traceback
from importlib import import_module

from ansible_collections.ding.blueking.plugins.module_utils import conf_block, our_channels
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

COMMAND = "sync_system_and_channel_data"
TOOLS = "esb.management.utils.conf_tools"
APIS = "components.generic.apis"
SHOWN_CHARACTERS = 300


class OtherShape(Exception):
    """This ESB's conf client or sync is not one that can be restricted."""


class Listener(logging.Handler):
    """Keeps the warnings and errors that the ESB logs meanwhile."""

    def __init__(self):
        logging.Handler.__init__(self, logging.WARNING)
        self.lines = []
        self._last = None

    def emit(self, record):
        # One record comes by each logger that it passes.
        if record is self._last:
            return
        self._last = record
        said = record.msg
        try:
            if record.args:
                said = said % tuple(_sayable(each) for each in record.args)
        except (TypeError, ValueError):
            pass
        if isinstance(said, bytes):
            said = said.decode("utf-8", "replace")
        if record.exc_info and record.exc_info[0]:
            said = u"%s: %s" % (said, _error_text(record.exc_info[1]))
        self.lines.append(u" ".join((u"%s" % (said,)).split())[:SHOWN_CHARACTERS])

    def listen(self, *names):
        for logger in [logging.getLogger()] + [_logger(name) for name in names]:
            if logger is not None and self not in logger.handlers:
                logger.addHandler(self)

    def last_about(self, words):
        found = [line for line in self.lines if any(word in line for word in words)]
        return found[-1] if found else None


def _sayable(value):
    """A value of a log line; V7 logs whole configurations, and a site's may hold secrets."""
    return "..." if isinstance(value, (dict, list, tuple)) or (u"%s" % (value,)).lstrip()[:1] in ("{", "[") else value


def _logger(name):
    try:
        logger = getattr(import_module(name), "logger", None)
    except Exception:
        return None
    return logger if isinstance(logger, logging.Logger) else None


class Adder:
    """The ESB's own parts that add channels; `restricted` says whether they can be kept to the wanted ones."""

    def __init__(self):
        self.listener = Listener()
        self.listener.listen("common.log", TOOLS)
        try:
            self.tools = import_module(TOOLS)
            self.sync = import_module("esb.management.commands." + COMMAND)
            self.listener.listen(self.sync.__name__)
            self._check_shape()
            self.restricted, self.reason = True, None
        except (ImportError, SyntaxError, OtherShape) as error:
            self.restricted = False
            self.reason = text(error)
        self._declared = None

    def _check_shape(self):
        client = getattr(self.tools, "ConfClient", None)
        command = getattr(self.sync, "Command", None)
        if not inspect.isclass(client) or not isinstance(getattr(client, "channels", None), property):
            raise OtherShape("conf_tools has no class ConfClient with the property channels")
        if not inspect.isclass(command) or getattr(self.sync, "conf_tools", None) is not self.tools:
            raise OtherShape("the sync command does not take its channels from conf_tools")
        update = getattr(command, "update_channels", None)
        if update is None or update.__code__.co_argcount != 1:
            raise OtherShape("the sync command has no update_channels() without arguments")

    def declared(self, wanted):
        """{system: [the ESB's own description of a channel]} of what is declared for these wanted channels. Raises OtherShape, Problem."""
        if self._declared is None:
            try:
                self._declared = dict(self.tools.ConfClient().channels)
            except (AttributeError, KeyError, TypeError) as error:
                raise OtherShape(_error_text(error))
        result = {}
        for channel in wanted:
            found = [(system, info) for system, infos in self._declared.items() for info in infos
                     if info["path"] == channel["path"] and channel["method"] in (None, info.get("method") or "")]
            methods = set(info.get("method") or "" for dummy, info in found)
            if len(methods) > 1:
                raise Problem("The ESB's configuration declares the channel %s with the methods %s: say with method which one you mean."
                              % (channel["path"], ", ".join(sorted(method or '""' for method in methods))))
            for system, info in found:
                result.setdefault(system, []).append(info)
        return result

    def add(self, wanted):
        """Adds the rows of these channels, as far as they are declared, and touches no other. Raises OtherShape, Problem."""
        selected = self.declared(wanted)
        original = self.tools.ConfClient

        class Selected(original):
            @property
            def channels(self):
                return selected

        class Adding(self.sync.Command):
            force = False

            def _get_official_channel_ids(self):
                # V7 hides the official channels that are not among those visited.
                return []

        self.tools.ConfClient = Selected
        try:
            command = Adding()
            command.warning_msgs = []
            command.update_channels()
        except (AttributeError, KeyError, NameError, TypeError) as error:
            raise OtherShape(_error_text(error))
        finally:
            self.tools.ConfClient = original

    def sync_all(self):
        """Runs the ESB's whole sync command. Raises Problem."""
        from django.core.management import call_command
        from django.db import Error
        try:
            call_command(COMMAND)
        except Error:
            raise
        except (Exception, SystemExit) as error:
            raise Problem("The ESB's command %s failed: %s" % (COMMAND, _error_text(error)))

    def conf_problem(self):
        """Why the ESB uses nothing of conf.py, or None; a missing one is in order."""
        if not os.path.exists(os.path.join(*(APIS.split(".") + ["conf.py"]))):
            return None
        try:
            import_module(APIS + ".conf")
        except Exception as error:
            return "the ESB uses nothing of components/generic/apis/conf.py, because it raises %s%s" % (_error_text(error), _place(error))
        return None

    def why_not(self, channel):
        """The reason, as far as it can be known, why a wanted channel has no row after all; a phrase."""
        path = channel["path"]
        problem = self.conf_problem()
        if problem:
            return problem
        declared = self._declaration(channel)
        if declared is None:
            return self._why_not_declared(path)
        codename = declared.get("comp_codename", "")
        if declared.get("is_hidden") or declared.get("is_deprecated"):
            return "it is declared as hidden or deprecated, and the ESB adds no such channel"
        said = self.listener.last_about([path, codename])
        if not _has_component(codename):
            return "the component class of %s cannot be found%s" % (codename, self._import_error(path) or (said and " (%s)" % said or ""))
        said = said or (self.listener.lines[-1] if self.listener.lines else None)
        return said or "the ESB's own sync did not add it and said nothing"

    def _declaration(self, channel):
        """What conf.py or the ESB itself declares of a channel, or None."""
        conf = sys.modules.get(APIS + ".conf")
        pairs = [each if not isinstance(each, dict) else (each.get("path"), each) for each in getattr(conf, "CHANNELS", None) or []]
        if self.restricted:
            try:
                pairs += self.tools.ConfClient()._default_channels_conf
            except Exception:
                pass
        for path, declared in pairs:
            if path == channel["path"] and channel["method"] in (None, declared.get("method") or ""):
                return declared
        return None

    def _why_not_declared(self, path):
        if path not in our_channels.PATHS:
            return "neither components/generic/apis/conf.py nor the ESB itself declares it (with this method)"
        if not _has_package():
            return "the package %s is not in components/generic/apis: install it with ding.blueking.esb_package" % our_channels.PACKAGE
        if not _has_block():
            return "components/generic/apis/conf.py does not have the package's block: install it with ding.blueking.esb_package"
        try:
            import_module("%s.%s._channels" % (APIS, our_channels.PACKAGE))
        except Exception as error:
            return "the package cannot be imported: %s" % _error_text(error)
        return "the package does not declare it with this method"

    def _import_error(self, path):
        if path not in our_channels.PATHS:
            return None
        if not _has_package():
            return ": the package %s is not in components/generic/apis; install it with ding.blueking.esb_package" % our_channels.PACKAGE
        try:
            import_module("%s.%s.%s" % (APIS, our_channels.PACKAGE, our_channels.module(path)))
        except Exception as error:
            return ", because its module raises %s%s" % (_error_text(error), _place(error))
        return None


def is_virgin():
    """Whether our package is not, or not wholly, installed on this host."""
    return not (_has_package() and _has_block())


def _has_package():
    return os.path.isfile(os.path.join(*(APIS.split(".") + [our_channels.PACKAGE, "_channels.py"])))


def _has_block():
    try:
        with io.open(os.path.join(*(APIS.split(".") + ["conf.py"])), "rb") as handle:
            lines = handle.read().splitlines()
    except EnvironmentError:
        return False
    return conf_block.BLOCK.splitlines()[0] in [line.rstrip() for line in lines]


def _has_component(codename):
    try:
        from esb.component import get_components_manager
        return bool(get_components_manager().get_comp_by_name(codename))
    except Exception:
        return True


def _place(error):
    """Where in a file below the ESB's folder an error came from."""
    trace = getattr(error, "__traceback__", None)
    if trace is None:
        trace = sys.exc_info()[2]
    here = [(entry[0], entry[1]) for entry in traceback.extract_tb(trace) if APIS.replace(".", os.sep) in entry[0]]
    # A syntax error says so itself.
    return " (%s, line %s)" % (os.path.relpath(here[-1][0]), here[-1][1]) if here and not isinstance(error, SyntaxError) else ""


def text(error):
    """Why an ESB's parts are of another shape, in words."""
    return error.args[0] if isinstance(error, OtherShape) else _error_text(error)


def _error_text(error):
    try:
        said = u"%s" % (error,)
    except UnicodeError:
        said = repr(error)
    lines = [line.strip() for line in said.splitlines() if line.strip()] or [u""]
    return (u"%s: %s" % (type(error).__name__, lines[-1])).rstrip(u": ")[:SHOWN_CHARACTERS]
