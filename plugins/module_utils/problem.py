# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The one error type of the modules: its text is what fail_json says."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type


class Problem(Exception):
    """Something an operator can do something about: what happened, where, and the remedy, in one sentence without secrets."""
