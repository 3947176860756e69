# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The one error type of the modules: its text is what fail_json says."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type


class Problem(Exception):
    """Something an operator can do something about: what happened, where, and the remedy, in one sentence without secrets."""

    def __str__(self):
        # On Python 2.7 str() of an exception fails on text beyond ASCII, and Ansible then shows the exception's repr.
        return self._text() if isinstance("", type(u"")) else self._text().encode("utf-8")

    def __unicode__(self):
        return self._text()

    def _text(self):
        first = self.args[0] if self.args else u""
        return first.decode("utf-8", "replace") if isinstance(first, bytes) else u"%s" % (first,)
