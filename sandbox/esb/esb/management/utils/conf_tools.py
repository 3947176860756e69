# -*- coding: utf-8 -*-
"""What the ESB and a site's conf.py declare: systems, channels, documentation categories."""
from __future__ import absolute_import, division, print_function

import io
import logging
import os
import re
from importlib import import_module

from common.compat import force_text
from components.constants import BK_SYSTEMS, SYSTEM_DOC_CATEGORY
from components.esb_conf import CUSTOM_APIS_REL_PATH, PRESET_CHANNELS
from esb.component import get_components_manager
from esb.utils import fpath_to_module

logger = logging.getLogger(__name__)


class ConfClient(object):
    def __init__(self):
        try:
            self.custom_conf_module = import_module(fpath_to_module(CUSTOM_APIS_REL_PATH + "conf.py"))
        except Exception:
            # whatever is wrong in it: none of it counts, and nothing says so
            self.custom_conf_module = None

    @property
    def system_doc_category(self):
        return SYSTEM_DOC_CATEGORY + self._custom("SYSTEM_DOC_CATEGORY")

    @property
    def systems(self):
        return list(BK_SYSTEMS.values()) + self._custom("SYSTEMS")

    @property
    def channels(self):
        """{system name: [what the sync writes for one channel]}; what cannot be served is logged and left out."""
        result = {}
        for path, conf in PRESET_CHANNELS + [self._as_pair(channel) for channel in self._custom("CHANNELS")]:
            if conf.get("is_hidden"):
                continue
            info = self._channel(path, conf)
            if info:
                result.setdefault(info["system_name"], []).append(info)
        return result

    def _custom(self, name):
        return list(getattr(self.custom_conf_module, name, []))

    @staticmethod
    def _as_pair(channel):
        if isinstance(channel, dict):
            return channel["path"], {"comp_codename": channel["comp_codename"]}
        return channel

    @staticmethod
    def _channel(path, conf):
        codename = conf["comp_codename"]
        comp_class = get_components_manager().get_comp_by_name(codename)
        if not comp_class:
            logger.error(
                "%s get api data fail, Exception: Can't find component class of %s", codename, codename
            )
            return None
        system = comp_class.sys_name
        if not path.startswith(("/v2/%s/" % system.lower(), "/%s/" % system.lower())):
            logger.warning(
                "channel path is not standard and will be ignored, please check: %s, %s", codename, path
            )
            return None
        return {
            "path": path,
            "method": conf.get("method", ""),
            "comp_codename": codename,
            "comp_conf_to_db": conf.get("comp_conf_to_db"),
            "is_deprecated": conf.get("is_deprecated", False),
            "system_name": system,
            "component_name": comp_class.get_component_name(),
            "component_label": component_label(comp_class),
            "component_type": comp_class.api_type,
            "suggest_method": getattr(comp_class, "suggest_method", "").upper(),
            "label_en": getattr(comp_class, "label_en", ""),
        }


def component_label(comp_class):
    """The attribute `label`, else what the docstring says after apiLabel, else the component's name."""
    found = re.search(r"apiLabel\s*(.+)", force_text(comp_class.__doc__ or ""))
    return getattr(comp_class, "label", "") or (found.group(1).strip() if found else comp_class.get_component_name())


def component_docs(comp_class):
    """{"en": …, "zh-hans": …}: the Markdown files beside the module, else the docstring; texts may be empty."""
    folder = os.path.join(os.path.dirname(import_module(comp_class.__module__).__file__), "apidocs")
    texts = {}
    for language, name in (("en", "en"), ("zh-hans", "zh_hans")):
        path = os.path.join(folder, name, "%s.md" % comp_class.get_component_name())
        if os.path.isfile(path):
            with io.open(path, encoding="utf-8") as handle:
                texts[language] = handle.read()
    if not texts:
        return dict.fromkeys(("en", "zh-hans"), force_text(comp_class.__doc__ or ""))
    return {language: texts.get(language, u"") for language in ("en", "zh-hans")}
