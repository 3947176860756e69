# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The filter `ding.blueking.rollback_states`: with which version of the channel each host would end, for every backup."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.ding.blueking.plugins.filter.backup_choice import PRISTINE, backup_choice, lost_backups

WITHOUT = "without the channel"


def rollback_states(listed, now):
    """{name of a backup, or pristine: {host: version, or "without the channel"}}, the newest last.

    listed: {host: {folder: backups as esb_backup lists them}}; now: {host: {home: the ESB's folder, version: text or None}}. Copies of the package
    beside the ESB, and hosts that are not in `now`, do not count. A backup that some host has lost leads nowhere and is left out.
    """
    names = sorted(set(backup["name"] for host, about in now.items() for backup in listed.get(host, {}).get(about["home"], [])))
    states = {}
    for name in [PRISTINE] + names if names else []:
        if any(about["home"] in lost_backups(listed, name).get(host, []) for host, about in now.items()):
            continue
        choice = backup_choice(listed, name)
        states[name] = dict((host, _version(listed, choice, host, about)) for host, about in now.items())
    return states


def _version(listed, choice, host, about):
    chosen = choice.get(host, {}).get(about["home"])
    found = [backup["package_version"] for backup in listed.get(host, {}).get(about["home"], []) if backup["name"] == chosen]
    return (found[0] if found else about["version"]) or WITHOUT


class FilterModule(object):
    def filters(self):
        return {"rollback_states": rollback_states}
