# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What preflight and health ask the ESB from inside its own Python: functions for esb_python.Esb.call. They change nothing."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import sys
from importlib import import_module


def imports(argument):
    """{modules: number of our modules that were imported, failures: [[module, text], …]}. argument: {package: its folder's name}."""
    import django

    django.setup()
    found, failures = 0, []
    for name in _modules(os.path.join("components", "generic", "apis", argument["package"])):
        try:
            import_module(name)
            found += 1
        except Exception as error:
            failures.append([name, u"%s: %s" % (type(error).__name__, error)])
    return {"modules": found, "failures": failures}


def platform(argument):
    """{python, django, conf_problem ("" when conf.py can be imported), types (number of message types), channels (rows in the database),
    ways (those settings of the channel by which it reaches DingTalk, as they are stored)}."""
    import django

    django.setup()
    from esb.bkcore.models import ESBChannel
    from components.generic.templates.cmsi.toolkit import configs

    return {"python": "%d.%d.%d" % sys.version_info[:3], "django": django.get_version(), "conf_problem": _conf_problem(),
            "types": len(configs.msg_type), "channels": ESBChannel.objects.count(), "ways": _ways(ESBChannel.objects.filter(path="/cmsi/send_ding/").first())}


def _ways(row):
    stored = getattr(row, "comp_conf", None) or {}
    try:
        stored = dict(json.loads(stored) if isinstance(stored, (type(u""), type(""))) else stored)
    except (TypeError, ValueError):
        return {}
    return dict((name, u"%s" % stored[name]) for name in ("oapi_url", "api_url", "proxy") if stored.get(name))


def _conf_problem():
    if not os.path.exists(os.path.join("components", "generic", "apis", "conf.py")):
        return u""
    try:
        import_module("components.generic.apis.conf")
    except Exception as error:
        return u"%s: %s" % (type(error).__name__, error)
    return u""


def _modules(folder):
    """Names of all modules below a folder, the package itself first."""
    names = []
    for place, folders, files in os.walk(folder):
        folders.sort()
        package = place.replace(os.sep, ".")
        names += [package if name == "__init__.py" else "%s.%s" % (package, name[:-len(".py")])
                  for name in sorted(files, key=lambda each: (each != "__init__.py", each)) if name.endswith(".py")]
    return names
