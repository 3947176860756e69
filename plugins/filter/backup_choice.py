# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The filters by which a rollback chooses: which backup each host and folder goes back to, and whose rows."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

LATEST = "latest"
PRISTINE = "pristine"


def backup_choice(listed, wanted):
    """{host: {folder: name}} from {host: {folder: backups as esb_backup lists them}}; what has nothing to go back to is left out.

    A backup is the state before the run whose name it has. All hosts of a run share that name, and what a run did not change has none of it. So each
    folder goes back to its first backup that is not older than the wanted one; the latest is the newest of all hosts.
    """
    names = sorted(set(backup["name"] for folders in listed.values() for backups in folders.values() for backup in backups))
    chosen = {}
    for host, folders in listed.items():
        for folder, backups in folders.items():
            name = _choice(sorted(backups, key=lambda backup: backup["name"]), wanted, names)
            if name:
                chosen.setdefault(host, {})[folder] = name
    return chosen


def _choice(backups, wanted, names):
    if wanted == PRISTINE:
        fitting = [backup for backup in backups if backup["pristine"]]
    else:
        asked = names[-1] if wanted == LATEST and names else wanted
        fitting = [backup for backup in backups if asked in names and backup["name"] >= asked]
    return fitting[0]["name"] if fitting else None


def backups_by_folder(results):
    """{folder: backups} from the results of esb_backup with state=listed in a loop over folders."""
    return dict((result["item"], result["backups"]) for result in results)


def lost_backups(listed, wanted):
    """{host: [folders]} whose state before the wanted run nobody has any more: the backup of it was pruned since, and what is left is of a later state."""
    found = {}
    for host, folders in backup_choice(listed, wanted).items() if wanted not in (LATEST, PRISTINE) else ():
        for folder, name in folders.items():
            chosen = [backup for backup in listed[host][folder] if backup["name"] == name][0]
            # The one before it, which a later backup names, would have been chosen if it were there.
            if (chosen.get("previous") or "") >= wanted:
                found.setdefault(host, []).append(folder)
    return found


def rows_choice(chosen, homes):
    """{host, name} of the backup whose rows come back; both "" where no host's ESB goes back.

    chosen: what backup_choice gives; homes: {host: its ESB's folder}. The rows are shared, and each backup holds those of its own moment: the oldest
    one knows them as they were before all that is undone. Not every host need have one of the run that is undone.
    """
    found = sorted((folders[homes[host]], host) for host, folders in chosen.items() if homes.get(host) in folders)
    name, host = found[0] if found else ("", "")
    return {"host": host, "name": name}


class FilterModule(object):
    def filters(self):
        return {"backup_choice": backup_choice, "backups_by_folder": backups_by_folder, "lost_backups": lost_backups, "rows_choice": rows_choice}
