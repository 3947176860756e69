# -*- coding: utf-8 -*-
"""The stored settings of channels, as the ESB itself would find them: by path, a row for POST before one for any method."""
from __future__ import absolute_import, division, print_function

import json

from common.log import logger
from esb.bkcore.models import ESBChannel
from esb.channel import get_channel_manager

# The V7 ESB stores a dict elsewhere and keeps its channels in memory: there asking the manager costs nothing.
_IN_ROWS = any(field.name == "comp_conf" for field in ESBChannel._meta.fields)


def stored_settings(paths):
    """{path: {name: value}}; a path without a row, or with settings that nobody can read, has none."""
    if not _IN_ROWS:
        manager = get_channel_manager()
        return {path: _as_dict((manager.get_channel_by_path(path, "POST") or {}).get("comp_conf"), path) for path in paths}
    # One query: the manager would make up to two for each path.
    bare = {path.rstrip("/"): path for path in paths}
    rows = ESBChannel.objects.filter(path__in=list(bare) + list(paths), method__in=("", "POST")).order_by("id")
    found = {}
    for path, method, comp_conf in rows.values_list("path", "method", "comp_conf"):
        found.setdefault((bare[path.rstrip("/")], method), comp_conf)
    stored = {}
    for path in paths:
        comp_conf = found.get((path, "POST"), found.get((path, "")))
        stored[path] = _as_dict(comp_conf, path)
    return stored


def _as_dict(comp_conf, path):
    """Settings from JSON text, a list of pairs or a dict; empty and null are none."""
    try:
        value = json.loads(comp_conf) if hasattr(comp_conf, "encode") and comp_conf else comp_conf
        return dict(value) if value else {}
    except (TypeError, ValueError):
        logger.error("ding.blueking: the settings of channel %s are no JSON list of pairs: defaults are used", path)
        return {}
