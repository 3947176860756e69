"""The only environment a sandbox host has; the values come from conf/default.py."""
from __future__ import absolute_import, division, print_function

from conf.default import *  # noqa: F401,F403
