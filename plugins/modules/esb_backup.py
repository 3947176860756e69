#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, the ding.blueking authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module esb_backup: the ESB's folder of components and the channel's rows, kept and brought back."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: esb_backup
short_description: Backs up and restores the ESB's own components and the DingTalk channel's rows
version_added: 1.0.0
description:
  - A backup is one file, C(<dir>/<time>.tar.gz) with mode 0600. It holds the folder C(components/generic/apis) with all bytes, modes, owners and links,
    the rows of the channel's paths with everything in them, the platform's version, and a SHA-256 sum of everything.
  - A restore brings back bytes, modes, owners, links and absence, the channel's rows, and the key C(ding) of the message types; nothing else.
  - What the site itself has added, changed or removed since is kept and listed. To know it from what an install has done, call this module with
    O(state=recorded) right after each install, also after one that failed. A restore writes down by itself what it does.
  - Without that record, only the folder C(ding_blueking) and the marked block in C(conf.py) count as the install's doing.
  - Interrupted at any point, a run leaves the old or the new state of each entry of the folder; the next run of this module or of
    M(ding.blueking.esb_package) finishes what was begun. Where somebody has changed since what was still to be changed, it is taken back instead.
extends_documentation_fragment:
  - ding.blueking.attributes
  - ding.blueking.attributes.changes
  - ding.blueking.esb_host
options:
  dir:
    description:
      - The folder of the backups. It is made with mode 0700; one in which others than its owner may write is refused.
      - Several ESB folders may share it. Each uses its own backups only.
    type: path
    default: /data/backup/ding_blueking
  state:
    description:
      - V(present) makes a backup, unless the newest one equals what is there now and is not older than O(name). Byte code that Python itself has written
        beside its source, and times, do not count, so a restart of the ESB makes no difference.
      - V(recorded) writes down, beside the backups, what the install after O(backup) has changed. It does so once for each backup, or again after a
        restore; later differences are the site's own.
      - V(restored) brings O(backup) back.
      - V(listed) lists the backups and changes nothing.
    type: str
    choices: [present, recorded, restored, listed]
    default: present
  name:
    description:
      - The name of a new backup, a time in UTC such as V(20261123T232400Z). Give all hosts of one run the same, so that they can go back together.
      - The default is the host's time. When there are later backups already, the new one gets a name that follows theirs.
    type: str
  keep:
    description:
      - How many backups to keep when O(state=present). The oldest go first.
      - The newest one always stays, and so does the oldest one that was made before the first install.
    type: int
    default: 10
  backup:
    description:
      - The backup to use, by its name, or V(latest), or V(pristine) for the oldest one that was made with no package and no block of ours.
    type: str
    default: latest
  scope:
    description: What to restore. With V(both) the files come first, and the rows are tried out before.
    type: str
    choices: [files, rows, both]
    default: both
  rows:
    description:
      - Whether the channel's rows belong to the backup. With V(false) the ESB's Python is not needed and O(scope) is V(files), as for the copy in
        C(/data/src/open_paas/esb) where no ESB runs.
    type: bool
    default: true
  overwrite:
    description:
      - Whether a restore also takes back what the site itself did since, so that the folder becomes exactly what it was. What the site has added
        since is removed then.
    type: bool
    default: false
  verify:
    description: Whether O(state=listed) reads each backup as a whole and says whether it can be used. A restore always does.
    type: bool
    default: false
  platform_version:
    description:
      - The platform's version, to be kept in the backup.
      - The default is what C(VERSION) beside the ESB's folder says, else C(/data/src/open_paas/VERSION).
    type: str
author:
  - the ding.blueking authors (@ding-blueking)
seealso:
  - module: ding.blueking.esb_package
  - module: ding.blueking.esb_channel
"""

EXAMPLES = r"""
- name: Back up before an install
  ding.blueking.esb_backup:
    bk_home: /data/bkce
  become: true

- name: Write down what the install has changed
  ding.blueking.esb_backup:
    state: recorded
  become: true

- name: Go back to the state before the first install, files only
  ding.blueking.esb_backup:
    state: restored
    backup: pristine
    scope: files
  become: true

- name: Back up the copy that survives platform upgrades
  ding.blueking.esb_backup:
    esb_home: /data/src/open_paas/esb
    rows: false
  become: true

- name: List the backups and check each of them
  ding.blueking.esb_backup:
    state: listed
    verify: true
  become: true
"""

RETURN = r"""
backup:
  description: The name of the backup that was made, found equal, recorded for or restored. Null where a check run would make one.
  returned: when O(state) is not V(listed)
  type: str
  sample: 20261123T232400Z
path:
  description: Its file.
  returned: when O(state=present)
  type: str
size:
  description: Its size in bytes.
  returned: when O(state=present)
  type: int
pristine:
  description: Whether it was made with no package and no block of ours there.
  returned: when O(state=present)
  type: bool
platform_version:
  description: The platform's version, null where nothing says it.
  returned: when O(state=present)
  type: str
package_version:
  description: The version of our package that is there, null for none.
  returned: when O(state=present)
  type: str
pruned:
  description: The names of the backups that were removed as too many.
  returned: when O(state=present)
  type: list
  elements: str
recorded:
  description: The paths that the install has changed. Empty when that was written down before.
  returned: when O(state=recorded)
  type: list
  elements: str
restored:
  description: The paths that were brought back. Byte code beside its source goes with it and is not named.
  returned: when O(state=restored)
  type: list
  elements: str
removed:
  description: The paths that were removed, since the backup does not have them. Byte code beside its source is not named.
  returned: when O(state=restored)
  type: list
  elements: str
kept:
  description: What differs from the backup and was kept, since the site did it.
  returned: when O(state=restored)
  type: list
  elements: dict
  contains:
    path:
      description: The path in the folder.
      type: str
    reason:
      description: Why it was kept.
      type: str
rows_restored:
  description: Whether rows were changed.
  returned: when O(state=restored)
  type: bool
backups:
  description: All backups of this ESB folder, oldest first.
  returned: when O(state=listed)
  type: list
  elements: dict
  contains:
    name:
      description: What O(backup) takes.
      type: str
    path:
      description: The file.
      type: str
    size:
      description: Its size in bytes.
      type: int
    time:
      description: When it was made.
      type: str
    pristine:
      description: Whether it was made with no package and no block of ours there.
      type: bool
    previous:
      description: The name of the newest backup that was there then, whether or not it was removed since.
      type: str
    platform_version:
      description: The platform's version then.
      type: str
    package_version:
      description: The version of our package then.
      type: str
    has_rows:
      description: Whether it holds the channel's rows.
      type: bool
    verified:
      description: Whether it can be used. Null where O(verify) did not ask.
      type: bool
    problem:
      description: Why it cannot be used.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native

from ansible_collections.ding.blueking.plugins.module_utils import backup_states, esb_python, secrecy
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem


def main():
    module = AnsibleModule(
        argument_spec=dict(
            esb_python.OPTIONS,
            dir=dict(type="path", default="/data/backup/ding_blueking"),
            state=dict(type="str", default="present", choices=["present", "recorded", "restored", "listed"]),
            name=dict(type="str"),
            keep=dict(type="int", default=10),
            backup=dict(type="str", default="latest"),
            scope=dict(type="str", default="both", choices=["files", "rows", "both"]),
            rows=dict(type="bool", default=True),
            overwrite=dict(type="bool", default=False),
            verify=dict(type="bool", default=False),
            platform_version=dict(type="str"),
        ),
        supports_check_mode=True,
    )
    shown = secrecy.invocation(module)
    failure = None
    try:
        work = backup_states.Work(esb_python.Esb(module.params), module.params, module.check_mode)
        result = backup_states.STATES[module.params["state"]](work)
    except Problem as problem:
        failure = to_native(problem)
    # Outside of the handler: within it, ansible-core 2.16 would print a traceback at -vvv.
    if failure is not None:
        module.fail_json(msg=failure, invocation=shown)
    module.exit_json(invocation=shown, **result)


if __name__ == "__main__":
    main()
