# -*- coding: utf-8 -*-
# Copyright: (c) 2026, the ding.blueking authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The name of this run of a playbook."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
name: run_id
short_description: The name of this run of a playbook
version_added: 1.0.0
author: the ding.blueking authors (@ding-blueking)
description:
  - The same text on all hosts and in all plays of one run, and another one in every other run. M(ding.blueking.host_lease) takes it.
  - It names the controller and Ansible's process there, so that M(ding.blueking.host_lease) can tell in a later run on the same controller that
    this one has ended.
options:
  form:
    description:
      - V(name) is the name. V(time) is when the run began, in UTC and in the form of a backup's name; M(ding.blueking.esb_backup) takes it, so that
        the backups of all hosts share it. On a controller that is no Linux the time is an empty text.
    type: str
    choices: [name, time]
    default: name
"""

EXAMPLES = r"""
- name: Take the host
  ding.blueking.host_lease:
    run_id: "{{ lookup('ding.blueking.run_id') }}"

- name: Back up by the same name on all hosts
  ding.blueking.esb_backup:
    name: "{{ lookup('ding.blueking.run_id', form='time') | default(omit, true) }}"
"""

RETURN = r"""
_raw:
  description: The name.
  type: list
  elements: str
"""

from ansible.plugins.lookup import LookupBase

from ansible_collections.ding.blueking.plugins.plugin_utils import run


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        return [run.began() if self.get_option("form") == "time" else run.current()]
