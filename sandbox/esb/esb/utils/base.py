"""Hosts with several addresses, and paths of component files."""
from __future__ import absolute_import, division, print_function

import os

from django.conf import settings

__all__ = ["is_py_file", "fpath_to_module", "SmartHost"]


def is_py_file(fname):
    return fname.endswith((".py", ".pyc"))


def fpath_to_module(fpath):
    """components/generic/apis/x/y.py, absolute or relative to the ESB's folder -> components.generic.apis.x.y"""
    fpath = os.path.normpath(fpath)
    if fpath.startswith(settings.BASE_DIR):
        fpath = fpath[len(settings.BASE_DIR):]
    return os.path.splitext(fpath.strip(os.path.sep))[0].replace(os.path.sep, ".")


class SmartHost(object):
    """The addresses of one system: a list, or a text separated by semicolons; apart for the test environment."""

    def __init__(self, host_prod, host_test=None):
        self.hosts_prod = self.make_host_list(host_prod)
        self.hosts_test = self.make_host_list(host_test) if host_test else self.hosts_prod
        self._has_test_host = bool(host_test)
        self.host_index = {"prod": 0, "test": 0}

    @staticmethod
    def make_host_list(host):
        return host if isinstance(host, (list, tuple)) else host.split(";")

    def get_value(self, use_test_env):
        hosts = self.hosts_test if use_test_env else self.hosts_prod
        return hosts[self.host_index["test" if use_test_env else "prod"] % len(hosts)]

    def shift_host(self, use_test_env):
        """Use the next address from now on."""
        self.host_index["test" if use_test_env else "prod"] += 1

    def has_test_host(self):
        return self._has_test_host

    def as_json(self):
        value = {"host_prod": ";".join(self.hosts_prod)}
        if self._has_test_host:
            value["host_test"] = ";".join(self.hosts_test)
        return value

    def __str__(self):
        return "<SmartHost hosts_test=%s hosts_prod=%s>" % (self.hosts_test, self.hosts_prod)
