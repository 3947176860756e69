# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The note of the apps that we have put into the ESB's white list, and when: {"apps": {code: a time in UTC}}."""
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

    def apps(self, since=None):
        """Which apps we have put in, at `since` or later. Raises Problem for a file that is none of ours."""
        return sorted(app for app, then in self._read().items() if then >= to_text(since or ""))

    def add(self, app):
        """Raises Problem where the file cannot be written."""
        try:
            self._write(dict(self._read(), **{app: to_text(time.strftime(TIME, time.gmtime()))}))
        except (IOError, OSError) as error:
            raise Problem("The app %s is in the white list now, but %s could not be written (%s), so an uninstall will leave it there." % (
                app, self._path, os.strerror(error.errno)))

    def remove(self, apps):
        """A note of no app is no file."""
        found = self._read()
        left = dict((app, since) for app, since in found.items() if app not in apps)
        try:
            if not left and os.path.lexists(self._path):
                os.unlink(self._path)
            elif left != found:
                self._write(left)
        except (IOError, OSError) as error:
            raise Problem("%s could not be changed (%s): it names apps that are out of the white list." % (self._path, os.strerror(error.errno)))

    def _write(self, apps):
        folder = os.path.dirname(self._path)
        if not os.path.isdir(folder):
            os.makedirs(folder, 0o700)
        draft = self._path + ".new"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            os.write(handle, json.dumps({"apps": apps}, sort_keys=True).encode("ascii"))
            os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(draft, self._path)

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
        apps = found.get("apps") if isinstance(found, dict) else None
        if not isinstance(apps, dict) or not all(isinstance(since, type(u"")) for since in apps.values()):
            raise Problem("%s is no record of the white list: look who wrote it, then remove it." % self._path)
        return apps
