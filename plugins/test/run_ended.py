# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The test `ding.blueking.run_ended`."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.ding.blueking.plugins.plugin_utils import run


class TestModule(object):
    def tests(self):
        return {"run_ended": run.ended}
