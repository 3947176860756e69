"""Settings of the environment named by BK_ENV: conf/settings_<BK_ENV>.py, as on a real host."""
from __future__ import absolute_import, division, print_function

import os
from importlib import import_module

_module = import_module("conf.settings_%s" % os.environ.get("BK_ENV", "development"))
globals().update((name, getattr(_module, name)) for name in dir(_module) if name.isupper())
