# -*- coding: utf-8 -*-
"""The service that sends queued messages: python _service.py [--once [--seconds S]], by the ESB's Python and environment.

The name begins with `_`, so the ESB does not import it. Exit codes: 0 ended as told, 1 it cannot start, 3 another one runs,
4 --once left something, 75 the package was replaced.
"""
from __future__ import absolute_import, division, print_function

import os
import sys


def _esb_home():
    """The ESB's folder: components/generic/apis/<package>/_service.py lies four below it."""
    path = os.path.abspath(__file__)
    for dummy in range(5):
        path = os.path.dirname(path)
    return path


def main(words):
    package = os.path.dirname(os.path.abspath(__file__))
    home = _esb_home()
    # The package's own folder is no place to import from: a name in it must not hide a library's.
    sys.path[:] = [home] + [path for path in sys.path if os.path.abspath(path or os.curdir) not in (package, home)]
    os.chdir(home)
    os.umask(0o077)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    name = "components.generic.apis.%s.toolkit.service" % os.path.basename(package)
    try:
        import django

        django.setup()
        __import__(name)
    except Exception as error:
        # The text may quote a setting: class and first line are enough to find it.
        print("the ESB's settings or the package cannot be loaded: %s: %s" % (error.__class__.__name__, str(error)[:200]), file=sys.stderr)
        return 1
    return sys.modules[name].main(words, package)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
