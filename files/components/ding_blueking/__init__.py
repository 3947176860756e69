# -*- coding: utf-8 -*-
"""The DingTalk channel of BlueKing's ESB: group robots and one-to-one messages."""
from __future__ import absolute_import, division, print_function

from .toolkit.version import __version__

__all__ = ["__version__"]
