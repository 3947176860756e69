# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The filter `ding.blueking.failed_hosts`: on which hosts something has gone wrong before the first change."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

# What a rescue has noted down, and the results that say the same before the rescue has run.
FAULT = "ding_fault"
RESULTS = ("ding_lease", "ding_plan", "ding_outbox")


def failed_hosts(seen):
    """The names of the failed among the hosts whose variables are given, in their order. Each host's variables are looked at once: they are costly."""
    return [host["inventory_hostname"] for host in seen if FAULT in host or any(_failed(host[name]) for name in RESULTS if name in host)]


def _failed(result):
    return isinstance(result, dict) and bool(result.get("failed"))


class FilterModule(object):
    def filters(self):
        return {"failed_hosts": failed_hosts}
