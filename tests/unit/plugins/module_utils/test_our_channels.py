# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What the modules know of our channels is what the package declares, in both files."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

from ansible_collections.ding.blueking.plugins.module_utils import our_channels

PACKAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), *([os.pardir] * 4 + ["files", "components", our_channels.PACKAGE]))
_PLACE = {}
with open(os.path.join(PACKAGE, "_channels.py"), "rb") as _source:
    exec(compile(_source.read(), "_channels.py", "exec"), _PLACE)
DECLARED = _PLACE["CHANNELS"]


def test_the_package_declares_these_paths_and_settings():
    assert dict((path, conf["comp_conf_to_db"]) for path, conf in DECLARED) == our_channels.FIRST_SETTINGS
    assert our_channels.PATHS == sorted(path for path, dummy in DECLARED)


def test_the_package_declares_these_components():
    assert dict((path, conf["comp_codename"]) for path, conf in DECLARED) == dict((path, our_channels.component(path)) for path in our_channels.PATHS)


def test_the_package_declares_no_method():
    assert not [path for path, conf in DECLARED if "method" in conf]
