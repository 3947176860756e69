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
  - It names the controller and Ansible's process there, so that a later run on the same controller can tell with the test
    P(ding.blueking.run_ended#test) that this one has ended.
options: {}
"""

EXAMPLES = r"""
- name: Take the host
  ding.blueking.host_lease:
    run_id: "{{ lookup('ding.blueking.run_id') }}"
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
        return [run.current()]
