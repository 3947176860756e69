# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The first code of ours in a run of the ESB's Python: sets it up, runs one function, answers on a private channel.

esb_python.py sends this text and everything it needs on standard input, so no file and no argument carries any of it.
`REQUEST` is set by the line that executes it: home, logs, key_file, sources ([[name, text], …] in the order in which
they are needed), function ("module.function"), argument.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import sys
import types

PACKAGES = ("ansible_collections", "ansible_collections.ding", "ansible_collections.ding.blueking",
            "ansible_collections.ding.blueking.plugins", "ansible_collections.ding.blueking.plugins.module_utils")


def run(request):
    # Whatever the platform or a site prints goes to standard error; the answer alone is on standard output.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        answer = {"result": work(request)}
    except BaseException as error:
        answer = {"error": {"kind": kind(error), "text": last_line(error)}}
    answers.write(json.dumps(answer).encode("ascii"))
    answers.close()


def work(request):
    # Python 2.7 would encode text for the file system by the locale, which may be C.
    home = request["home"].encode("utf-8") if str is bytes else request["home"]
    os.chdir(home)
    sys.path.insert(0, home)
    for name, value in (("BK_ENV", "production"), ("DJANGO_SETTINGS_MODULE", "settings"),
                        ("BK_FILE_PATH", request["key_file"]), ("PAAS_LOGGING_DIR", request["logs"])):
        os.environ.setdefault(name, value)
    modules = dict(load(name, text) for name, text in request["sources"])
    module, function = request["function"].split(".")
    return getattr(modules[module], function)(request["argument"])


def load(name, text):
    """One of our module_utils under its usual name, from its text."""
    for package in PACKAGES:
        if package not in sys.modules:
            sys.modules[package] = types.ModuleType(str(package))
            sys.modules[package].__path__ = []
    full_name = "%s.%s" % (PACKAGES[-1], name)
    module = sys.modules[full_name] = types.ModuleType(str(full_name))
    # Bytes, since Python 2.7 refuses text with a coding line.
    exec(compile(text.encode("utf-8"), "<%s>" % name, "exec", 0, True), module.__dict__)
    setattr(sys.modules[PACKAGES[-1]], name, module)
    return name, module


def kind(error):
    """refused: a sentence of our own; database; environment: the ESB itself does not start; else other."""
    names = ["%s.%s" % (each.__module__, each.__name__) for each in type(error).__mro__]
    if any(name.endswith(".problem.Problem") for name in names):
        return "refused"
    if "django.db.utils.DatabaseError" in names or "django.db.utils.InterfaceError" in names:
        return "database"
    if hasattr(error, "esb_does_not_start") or isinstance(error, (ImportError, SyntaxError, OSError, IOError)) or "ImproperlyConfigured" in names[0]:
        return "environment"
    return "other"


def last_line(error):
    try:
        text = u"%s" % (error,)
    except UnicodeError:
        text = repr(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [u""]
    if kind(error) == "refused":
        return u" ".join(lines)
    return (u"%s: %s" % (type(error).__name__, lines[-1])).rstrip(u": ")


# Imported as a module it only lends its text.
if "REQUEST" in globals():
    run(globals()["REQUEST"])
