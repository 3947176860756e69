#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, the ding.blueking authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the channel's component folder and its block in conf.py onto a PaaS host, or takes them away."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: esb_package
short_description: Put the DingTalk channel's files into BlueKing's ESB, or take them out
version_added: 1.0.0
author: the ding.blueking authors (@ding-blueking)
description:
  - Keeps the folder C(components/generic/apis/ding_blueking) as it should be, and a marked block at the end of C(components/generic/apis/conf.py).
    No other file of the platform or of the site is touched, unless O(replace_original=true).
  - The folder is packed on the controller and sent in one round trip. On the host it is built beside C(apis) and swapped in under a journal, so a
    run that was killed anywhere is finished by the next one, and a run that is refused changes nothing. Where somebody has changed since what
    the killed run was still to change, theirs stays, the rest is taken back, and the change is prepared anew.
  - O(state=absent) is the exact inverse.
  - A running ESB keeps the code that it has loaded. RV(restart_needed) says whether it has to be restarted.
extends_documentation_fragment:
  - ding.blueking.attributes
  - ding.blueking.attributes.changes
  - ding.blueking.esb_host
options:
  state:
    description: Whether the files shall be there.
    type: str
    choices: [present, absent]
    default: present
  src:
    description:
      - The component folder on the controller. A relative path counts from the playbook.
      - The default is the one that comes with this collection.
    type: path
  packed:
    description: The folder's content. The action plugin sets it; it is not for tasks.
    type: str
  owner:
    description:
      - The owner of the folder and of a new C(conf.py), by name or number. A C(conf.py) that is there keeps its own.
      - The default is O(esb_user).
    type: str
  group:
    description:
      - The group of the folder and of a new C(conf.py), by name or number.
      - The default is the first group of O(esb_user).
    type: str
  replace_original:
    description:
      - Whether to take out the manual release of a DingTalk channel (C(wenchao-h/ding-blueking), unpacked into C(apis)). Without it the module
        refuses to work where that release is, because two files would provide one component.
      - Its files go when their sha256 is one of a published version, its entries in C(conf.py) by their place in the syntax tree.
      - Its copy of CMSI goes too, so that the platform's own shows again. Where the site has changed C(cmsi/toolkit/configs.py), the copy stays in
        use without the release's components and message type.
      - Files that the site has changed or added stay; they are in the diff and in RV(kept). When one of them could no longer be imported, the module
        refuses before it changes anything. It tries that with the ESB's own Python on a copy.
    type: bool
    default: false
  compile_check:
    description:
      - Whether to compile C(conf.py), before and after, and the folder's sources with the ESB's own Python before anything is changed.
      - For a folder in which no ESB runs, such as C(/data/src/open_paas/esb), set O(esb_python) to a Python of the ESB's version, or this to
        V(false).
    type: bool
    default: true
  only_byte_code:
    description:
      - With O(state=absent), whether to take the folder away only where it holds nothing but byte code in folders C(__pycache__). C(conf.py) is not
        looked at then.
      - On Python 3, an ESB that has read a source before it went writes its byte code behind that, and makes the folders for it. Ask for this once the
        ESB was restarted after the removal, as C(uninstall.yml) and C(rollback.yml) do.
    type: bool
    default: false
  also:
    description:
      - More ESB folders of this host for which the same shall hold, after O(esb_home) and in this order. In them no ESB runs and nothing is compiled,
        as in the platform's own package of the ESB, C(/data/src/open_paas/esb).
    type: list
    elements: path
    default: []
notes:
  - A C(conf.py) that is a symbolic link is refused when it would have to change, because somebody else may use the file that it leads to.
  - A C(conf.py) with damaged C(ding.blueking) markers is refused. So is one that does not compile.
  - The diff shows of C(conf.py) no more than our own lines, since a site may keep secrets in it.
"""

EXAMPLES = r"""
- name: Put the channel's files into the ESB
  ding.blueking.esb_package:
  become: true
  register: package

- name: Put them into the platform's package folder as well, so that an upgrade brings them back
  ding.blueking.esb_package:
    esb_home: /data/src/open_paas/esb
    esb_python: [/data/bkce/.envs/open_paas-esb/bin/python]
  become: true

- name: Put them in place of the manual release
  ding.blueking.esb_package:
    replace_original: true
  become: true

- name: Take them out
  ding.blueking.esb_package:
    state: absent
  become: true

- name: Take away what a worker has written as they went, now that the ESB was restarted
  ding.blueking.esb_package:
    state: absent
    only_byte_code: true
  become: true
"""

RETURN = r"""
files:
  description: The paths in C(apis) that were added, changed or removed, or would be in check mode.
  type: dict
  returned: success
  contains:
    added:
      description: New files.
      type: list
      elements: str
    changed:
      description: Files and folders whose content, owner or mode changed.
      type: list
      elements: str
    removed:
      description: Files that are gone.
      type: list
      elements: str
kept:
  description: Files in the manual release's folders that are not as it was published, and stay. Only with O(replace_original=true).
  type: list
  elements: str
  returned: success
recovered:
  description: Targets of an interrupted run that this run has finished or taken back first, relative to C(components/generic).
  type: list
  elements: str
  returned: success
version:
  description: The version of the channel that is there now. None for O(state=absent).
  type: str
  returned: success
previous_version:
  description: The version that was there before. None when there was none.
  type: str
  returned: success
differs:
  description:
    - Whether the host, with the folders of O(also), was other than asked for.
    - A task that only plans needs it, since its C(changed_when) takes C(changed) away.
  type: bool
  returned: success
also:
  description: For each folder of O(also) its C(esb_home), RV(differs), RV(files), RV(kept), RV(recovered), RV(version) and RV(previous_version).
  type: list
  elements: dict
  returned: success
restart_needed:
  description: Whether something changed that a running ESB may have loaded.
  type: bool
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native

from ansible_collections.ding.blueking.plugins.module_utils import package, package_host, secrecy
from ansible_collections.ding.blueking.plugins.module_utils.esb_python import OPTIONS, Esb
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem


def main():
    module = AnsibleModule(
        argument_spec=dict(
            OPTIONS,
            state=dict(type="str", choices=["present", "absent"], default="present"),
            src=dict(type="path"),
            packed=dict(type="str", no_log=True),
            owner=dict(type="str"),
            group=dict(type="str"),
            replace_original=dict(type="bool", default=False),
            compile_check=dict(type="bool", default=True),
            only_byte_code=dict(type="bool", default=False),
            also=dict(type="list", elements="path", default=[]),
        ),
        supports_check_mode=True,
    )
    shown = secrecy.invocation(module)
    params = module.params
    failure = None
    try:
        files = package.unpack(params["packed"] or "") if params["state"] == "present" else None
        result = work(params, files, module.check_mode)
    except (Problem, OSError, IOError) as problem:
        failure = to_native(problem)
    # Outside of the handler: within it, ansible-core 2.16 would print a traceback at -vvv.
    if failure is not None:
        module.fail_json(msg=failure, invocation=shown)
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(invocation=shown, differs=result["changed"], **result)


def work(params, files, check):
    """The result for esb_home, with those for the other folders in `also`. Raises Problem."""
    result = dict(package_host.work(Esb(params), params, files, check), also=[])
    for home in params["also"]:
        theirs = dict(params, esb_home=home, esb_inner_home=home, compile_check=False)
        found = package_host.work(Esb(theirs), theirs, files, check)
        result["changed"] = result["changed"] or found["changed"]
        result["diff"] += found["diff"]
        result["warnings"] += found["warnings"]
        result["also"].append(dict((name, found[name]) for name in ("files", "kept", "recovered", "version", "previous_version")))
        result["also"][-1].update(esb_home=home, differs=found["changed"])
    return result


if __name__ == "__main__":
    main()
