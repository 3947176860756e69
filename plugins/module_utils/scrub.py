# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Takes secrets out of what somebody else wrote: a page or a message that repeats what was sent."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import re

from ansible.module_utils.common.text.converters import to_native, to_text

from ansible_collections.ding.blueking.plugins.module_utils import secrecy

try:
    from urllib.parse import quote, quote_plus
except ImportError:  # Python 2.7
    from urllib import quote, quote_plus

_PERCENT = re.compile("%[0-9A-F]{2}")
_CALLED_SECRET = r"(?i)((?:secret|token|pass(?:word|wd)?|key)\W{1,12})"


def scrubbed(text, secrets):
    """`text`, which somebody else wrote, without the secrets that it may repeat: as they are, or as JSON, a URL or HTML writes them.

    A short secret goes only where it is called one: elsewhere it would take harmless words along.
    """
    for form in sorted(set(form for secret in secrets if secret for form in _forms(to_text(secret))), key=len, reverse=True):
        if len(form) >= secrecy.SHORTEST_STARRED:
            text = text.replace(form, secrecy.HIDDEN)
        else:
            text = re.sub(_CALLED_SECRET + re.escape(form) + r"(?!\w)", r"\g<1>" + secrecy.HIDDEN, text)
    return text


def _forms(secret):
    quoted = json.dumps(secret)[1:-1]
    plain = json.dumps(secret, ensure_ascii=False)[1:-1]
    marked = secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    in_html = [marked.replace('"', double).replace("'", single) for double in ('"', "&quot;", "&#34;") for single in ("'", "&#39;", "&#x27;")]
    in_urls = [to_text(each) for each in (quote(to_native(secret), safe=""), quote(to_native(secret)), quote_plus(to_native(secret)))]
    lower = [_PERCENT.sub(lambda found: found.group(0).lower(), each) for each in in_urls]
    # Python's own way to write a text, within either kind of quotes.
    written = [to_text(secret.encode("unicode_escape")), secret.replace("\\", "\\\\")]
    in_python = [each.replace(mark, "\\" + mark) for each in written for mark in ("'", '"')]
    return [secret, quoted, plain, json.dumps(quoted)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1]] + in_html + in_urls + lower + written + in_python
