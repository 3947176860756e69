# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Options of the modules that work on a PaaS host with the ESB's own files and Python."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type


class ModuleDocFragment(object):
    DOCUMENTATION = r"""
options:
  bk_home:
    description: The platform's home folder on the host.
    type: path
    default: /data/bkce
  esb_home:
    description:
      - The ESB's folder, which holds C(manage.py).
      - The default is C(open_paas/esb) in O(bk_home).
    type: path
  esb_python:
    description:
      - The words that start the ESB's Python. Usually one, the path of the interpreter.
      - For an ESB in a container they are for example V([docker, exec, -i, bk-paas-esb, python]); O(esb_inner_home) says where its folder is there.
      - The default is C(.envs/open_paas-esb/bin/python) in O(bk_home).
    type: list
    elements: str
  esb_inner_home:
    description:
      - The ESB's folder as O(esb_python) sees it.
      - The default is O(esb_home).
    type: path
  esb_user:
    description:
      - The user as whom the ESB's Python runs, and to whom new files belong. The module changes to it by itself, so it runs as root.
      - The default is the owner of O(esb_home).
    type: str
  esb_logs:
    description:
      - Where the ESB writes its logs.
      - The default is C(logs/open_paas) in O(bk_home).
    type: path
  esb_timeout:
    description: For how many seconds the ESB's Python may run.
    type: int
    default: 120
notes:
  - Environment variables that the task sets with C(environment) reach the ESB's Python, except those that would change Python itself.
"""
