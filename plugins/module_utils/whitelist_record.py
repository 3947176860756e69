# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The note of an app that we have put into the ESB's white list, and when: {"app": code, "since": a time in UTC}."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import io
import json
import os
import time

from ansible.module_utils.common.text.converters import to_text

from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

TIME = "%Y%m%dT%H%M%SZ"


class WhitelistRecord:
    """The file at `path`; None for no file, which names nothing."""

    def __init__(self, path):
        self._path = path

    def names(self, app, since=None):
        """Whether we have put this app in, at `since` or later. Raises Problem for a file that is none of ours."""
        found = self._read()
        return found.get("app") == to_text(app) and to_text(found.get("since", "")) >= to_text(since or "")

    def write(self, app):
        folder = os.path.dirname(self._path)
        try:
            if not os.path.isdir(folder):
                os.makedirs(folder, 0o700)
            draft = self._path + ".new"
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            try:
                os.write(handle, json.dumps({"app": app, "since": time.strftime(TIME, time.gmtime())}, sort_keys=True).encode("ascii"))
                os.fsync(handle)
            finally:
                os.close(handle)
            os.rename(draft, self._path)
        except (IOError, OSError) as error:
            raise Problem("The app %s is in the white list now, but %s could not be written (%s), so an uninstall will leave it there." % (
                app, self._path, os.strerror(error.errno)))

    def remove(self):
        if os.path.lexists(self._path):
            os.unlink(self._path)

    def _read(self):
        if not self._path:
            return {}
        try:
            with io.open(self._path, encoding="utf-8") as handle:
                found = json.loads(handle.read(65536))
        except (IOError, OSError) as error:
            if error.errno == errno.ENOENT:
                return {}
            raise Problem("%s cannot be read: %s." % (self._path, os.strerror(error.errno)))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Problem("%s is no record of the white list: look who wrote it, then remove it." % self._path)
        return found
