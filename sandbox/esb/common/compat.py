"""The one place where names differ between Python 2.7, 3.6 and 3.11+, and between Django 1.8, 1.11 and 5.2."""
from __future__ import absolute_import, division, print_function

try:
    from urllib.parse import urljoin, urlsplit
except ImportError:
    from urlparse import urljoin, urlsplit  # noqa: F401

try:
    from django.utils.encoding import force_text
except ImportError:
    from django.utils.encoding import force_str as force_text  # noqa: F401

try:
    from django.urls import re_path as url
except ImportError:
    from django.conf.urls import url  # noqa: F401

string_types = (type(u""), str)


def exception_text(error):
    """What Python 2's `error.message` says, on every version."""
    message = getattr(error, "message", "") or (error.args[0] if len(error.args) == 1 else error)
    try:
        return force_text(message)
    except UnicodeError:
        return force_text(repr(message))
