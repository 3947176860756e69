# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Runs a function of ours in the ESB's own Python, as the service's user.

The code, its argument and with it every secret travel on standard input: nothing of them is in a file, in the
argument list or in the environment. The answer is JSON on standard output.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import grp
import json
import os
import pwd
import signal
import subprocess
import sys
import threading

from ansible.module_utils.common.text.converters import to_text

from ansible_collections.ding.blueking.plugins.module_utils import esb_start
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

OPTIONS = dict(
    bk_home=dict(type="path", default="/data/bkce"),
    esb_home=dict(type="path"),
    esb_python=dict(type="list", elements="str"),
    esb_inner_home=dict(type="path"),
    esb_user=dict(type="str"),
    esb_logs=dict(type="path"),
    esb_timeout=dict(type="int", default=120),
)

START = "import json, sys; REQUEST = json.loads(sys.stdin.read()); exec(compile(REQUEST['start'].encode('utf-8'), '<start>', 'exec', 0, True))"
# They would change which Python modules the ESB sees.
NOT_INHERITED = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
# What a broken ESB prints last, before or instead of an answer.
SHOWN_CHARACTERS = 400


class Esb:
    """One host's ESB, from a module's parameters (OPTIONS). `home`, `generic`, `apis` are paths on this host."""

    def __init__(self, params):
        bk_home = params["bk_home"]
        self.home = params["esb_home"] or os.path.join(bk_home, "open_paas", "esb")
        self.generic = os.path.join(self.home, "components", "generic")
        self.apis = os.path.join(self.generic, "apis")
        self.words = params["esb_python"] or [os.path.join(bk_home, ".envs", "open_paas-esb", "bin", "python")]
        self.inner_home = params["esb_inner_home"] or self.home
        self.logs = params["esb_logs"] or os.path.join(bk_home, "logs", "open_paas")
        self.key_file = os.path.join(bk_home, "open_paas", "cert", "saas_priv.txt")
        self.timeout = params["esb_timeout"]
        if self.timeout < 1:
            raise Problem("esb_timeout must be 1 or more seconds: it is %d." % self.timeout)
        self._user = params["esb_user"]

    def check(self):
        """Raises Problem where there is no ESB."""
        if not os.path.isdir(self.home):
            raise Problem("There is no ESB folder %s on this host: set bk_home or esb_home." % self.home)

    def user(self):
        """The pwd entry of the service's user. Raises Problem."""
        self.check()
        try:
            return pwd.getpwnam(self._user) if self._user else pwd.getpwuid(os.stat(self.home).st_uid)
        except KeyError:
            who = "user %s" % self._user if self._user else "name for the owner of %s" % self.home
            raise Problem("There is no %s on this host: set esb_user to the ESB service's user." % who)

    def call(self, function, argument, modules):
        """Runs "module.function"(argument) in the ESB and returns its result; both are plain JSON data.

        `modules` are the module_utils that it needs, as Python modules in the order of their imports; the function's
        own is the last. Raises Problem; a Problem raised by the function arrives as one.
        """
        request = json.dumps(dict(
            start=source(esb_start), home=self.inner_home, logs=self.inside(self.logs), key_file=self.inside(self.key_file), function=function,
            argument=argument,
            sources=[[module.__name__.rsplit(".", 1)[-1], source(module)] for module in modules]))
        code, out, err = self._run(self.words + ["-B", "-c", START], request.encode("ascii"))
        try:
            answer = json.loads(to_text(out))
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or not set(answer) & set(["result", "error"]):
            raise Problem("The ESB's Python (%s) ended with %s and no answer%s" % (self.words[0], code, _said(err)))
        if "error" in answer:
            raise Problem(self._sentence(answer["error"], err))
        return answer["result"]

    def run(self, words):
        """Runs a command as the service's user; (exit code, the last line of what it said on standard error). Raises Problem at the limit."""
        code, dummy, err = self._run(words, b"")
        return code, _said(err)[2:]

    def inside(self, path):
        """A path of this host as the ESB's Python sees it: a container has another home, with the same folders in it."""
        outer, inner = self.home, self.inner_home
        while outer != inner and os.path.basename(outer) == os.path.basename(inner) != "":
            outer, inner = os.path.dirname(outer), os.path.dirname(inner)
        return os.path.normpath(os.path.join(inner, os.path.relpath(path, outer))) if (path + "/").startswith(outer.rstrip("/") + "/") else path

    def _sentence(self, error, err):
        kind, text = error["kind"], error["text"]
        if kind == "refused":
            return text
        if kind == "database":
            return "The ESB's database cannot be used: %s" % text
        if kind == "environment":
            return "The ESB in %s does not start under %s: %s" % (self.inner_home, " ".join(self.words), text)
        return "The ESB's Python failed: %s" % text

    def _run(self, words, given):
        """Returns (exit code, stdout, stderr); the whole process group is killed at the limit."""
        become = self._become()
        try:
            child = subprocess.Popen(  # pylint: disable=ansible-bad-function
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, close_fds=True, cwd="/",
                env=_environment(self._works_as()), preexec_fn=become)
        except (OSError, ValueError, subprocess.SubprocessError if sys.version_info[0] > 2 else OSError) as error:
            raise Problem("The ESB's Python cannot be started (%s): %s" % (" ".join(words[:-3]) or words[0], getattr(error, "strerror", None) or error))
        late = threading.Event()

        def kill():
            late.set()
            os.killpg(child.pid, signal.SIGKILL)

        timer = threading.Timer(self.timeout, kill)
        timer.start()
        try:
            out, err = child.communicate(given)
        finally:
            timer.cancel()
        if late.is_set():
            raise Problem("The ESB's Python did not end within %d s and was stopped: is the database reachable?%s" % (self.timeout, _said(err)))
        return child.returncode, out, err

    @property
    def in_container(self):
        """Whether the words are those of a container engine, as in docker exec -i NAME python."""
        return self.words[1:2] == ["exec"]

    def _works_as(self):
        """The pwd entry of the child's user. An engine wants root; inside, the container's own user works."""
        return pwd.getpwuid(os.geteuid()) if self.in_container else self.user()

    def _become(self):
        """What the child does before it starts: a group of its own, and the service's user."""
        user = self._works_as()
        if os.geteuid() not in (0, user.pw_uid):
            raise Problem("Run this module as root (become: true): it must work as %s and is %s."
                          % (user.pw_name, pwd.getpwuid(os.geteuid()).pw_name))
        groups = sorted(set([user.pw_gid] + [each.gr_gid for each in grp.getgrall() if user.pw_name in each.gr_mem]))
        drop = os.geteuid() == 0 and user.pw_uid != 0

        def before():
            os.setsid()
            os.umask(0o022)
            if drop:
                os.setgroups(groups)
                os.setgid(user.pw_gid)
                os.setuid(user.pw_uid)

        return before


def source(module):
    """The text of one of our modules, also from the zip file in which Ansible sends them."""
    loader = getattr(module, "__loader__", None)
    text = loader.get_source(module.__name__) if hasattr(loader, "get_source") else None
    if text is None:
        path = module.__file__[:-1] if module.__file__.endswith((".pyc", ".pyo")) else module.__file__
        with open(path, "rb") as handle:
            text = handle.read()
    return to_text(text)


def _environment(user):
    kept = dict((name, value) for name, value in os.environ.items() if name not in NOT_INHERITED)
    kept.update(HOME=user.pw_dir, USER=user.pw_name, LOGNAME=user.pw_name, PYTHONIOENCODING="utf-8")
    return kept


def _said(err):
    lines = [line.strip() for line in to_text(err, errors="replace").splitlines() if line.strip()]
    return ": %s" % lines[-1][:SHOWN_CHARACTERS] if lines else "."
