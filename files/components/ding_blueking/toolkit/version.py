# -*- coding: utf-8 -*-
"""The channel's version: in every answer, so that a host can be asked which code it runs."""
from __future__ import absolute_import, division, print_function

__version__ = "1.0.0"
