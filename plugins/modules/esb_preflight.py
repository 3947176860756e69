#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, the ding.blueking authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Says everything that speaks against an installation on one host, at once."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: esb_preflight
short_description: Find everything that speaks against an installation on a host
version_added: 1.0.0
author: the ding.blueking authors (@ding-blueking)
description:
  - Looks at one PaaS host, its ESB and what it can reach, and returns all problems at once, each with its remedy. It changes nothing.
  - The task does not fail because of what it finds.
extends_documentation_fragment:
  - ding.blueking.attributes
  - ding.blueking.attributes.info_module
  - ding.blueking.esb_host
options:
  src_home:
    description: The folder of the platform's packages. C(open_paas/VERSION) in it says which version of PaaS this is.
    type: path
    default: /data/src
  paas_version:
    description: The version of PaaS, whatever a file says.
    type: str
  controller_version:
    description: The version of PaaS to believe when the host has no file that says it.
    type: str
  force_version:
    description: Makes an unknown or unsupported version a warning. Supported are 2.12 to 2.14. V7 stays a problem.
    type: bool
    default: false
  runtime:
    description:
      - How the ESB is run.
      - With V(auto) it is V(systemd) when O(unit) is active, else V(docker) when O(container) runs, else V(systemd) when O(unit) is known.
    type: str
    choices: [auto, systemd, docker, command]
    default: auto
  unit:
    description: The ESB's unit.
    type: str
    default: bk-paas-esb.service
  container:
    description: The ESB's container.
    type: str
    default: bk-paas-esb
  engine:
    description: The program that manages containers.
    type: str
    default: docker
  restart_mode:
    description:
      - How the ESB will be restarted. V(restart) restarts O(unit) or O(container).
      - V(graceful) re-loads it by the unit's own C(ExecReload), else by SIGHUP to uWSGI's or gunicorn's master. Where that would end the service
        instead, it is a problem.
      - V(command) runs O(restart_command), and so does V(restart) where O(runtime=command).
    type: str
    choices: [restart, graceful, command]
    default: restart
  restart_command:
    description: The words of a command that restarts the ESB. The first is enough, since only whether there is such a program is looked at.
    type: list
    elements: str
  drain:
    description: Whether the host will be taken out of Consul before the restart; then its not being known there is a problem.
    type: bool
    default: false
  consul_url:
    description: The address of the host's own Consul agent. It is asked in any case, since an interrupted run may have left the host drained.
    type: str
    default: http://127.0.0.1:8500
  consul_token:
    description: A token for Consul, where it wants one.
    type: str
  consul_service:
    description: The name of the ESB's service in Consul.
    type: str
    default: paas-esb
  service_mode:
    description:
      - What keeps the service that sends queued messages. V(systemd) is a unit of ours; V(external) is something of the site's own; V(none) is nothing.
      - With V(auto) it is V(systemd) where the ESB is run by systemd or in a container, else V(none).
    type: str
    choices: [auto, systemd, external, none]
    default: auto
  service_unit:
    description: The unit of that service.
    type: str
    default: bk-paas-esb-ding.service
  service_folder:
    description: The folder of the site's unit files.
    type: path
    default: /etc/systemd/system
  backup_dir:
    description: Where backups will be. The folder need not be there yet.
    type: path
    default: /data/backup/ding_blueking
  space_mb:
    description: How much must be free on the file systems of O(backup_dir), of the ESB and of its logs, in MB.
    type: int
    default: 200
  dingtalk_urls:
    description: What of DingTalk this host must reach.
    type: list
    elements: str
    default: [https://oapi.dingtalk.com, https://api.dingtalk.com]
  proxy:
    description:
      - The proxy to DingTalk, for example V(http://10.0.0.9:3128). It may hold a name and a password.
      - Without it, proxies that the environment names are not used.
    type: str
  offline:
    description: Whether this platform has no way to DingTalk on purpose; then a missing way is a warning.
    type: bool
    default: false
  replace_original:
    description: Whether the manual release of the channel, if it is there, will be replaced; else its being there is a problem.
    type: bool
    default: false
  whitelist_app:
    description: Whether O(app_code) will be put into the ESB's white list; else its absence from the list is a problem.
    type: bool
    default: false
  usermgr_url:
    description: The address of user management. Without it, user management is not asked.
    type: str
  usermgr_app_code:
    description: The app code for user management.
    type: str
  usermgr_app_secret:
    description: The app's secret for user management.
    type: str
  usermgr_token:
    description: A token for user management, in place of app code and secret.
    type: str
  validate_certs:
    description: Whether the certificate of an C(https) address of user management must be valid. DingTalk's always must.
    type: bool
    default: true
  url:
    description: The address of this host's own ESB, without nginx in between. Without it, the ESB is not asked.
    type: str
  app_code:
    description: The code of the app in whose name the ESB is called.
    type: str
  app_secret:
    description: The secret of that app. It travels in the header C(X-Bkapi-Authorization), which the ESB does not write to its log.
    type: str
  username:
    description: The BlueKing user in whose name the ESB is called, and who is looked up in user management.
    type: str
    default: admin
  health:
    description: Whether to look at the ESB's processes and C(/healthz/), for M(ding.blueking.esb_health) to compare with later.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Find what speaks against an installation
  ding.blueking.esb_preflight:
    url: http://10.0.0.1:8002
    app_code: bk_paas
    app_secret: "{{ vault_esb_app_secret }}"
    usermgr_url: http://usermgr.service.consul:8009
  register: preflight
  failed_when: preflight.problems | length > 0
"""

RETURN = r"""
problems:
  description: What must be mended first. Each has C(what), C(remedy) and the C(severity) V(problem).
  returned: success
  type: list
  elements: dict
  sample:
    - what: "Below /data/backup/ding_blueking only 12 MB are free, and 200 are wanted."
      remedy: Make room, or set ding_backup_dir or ding_space_mb.
      severity: problem
warnings_found:
  description: What the run can live with, in the same form, with the C(severity) V(warning).
  returned: success
  type: list
  elements: dict
facts:
  description:
    - What was seen.
    - C(paas_version), C(esb_version), C(esb_python_version), C(django_version), C(generation) (v6, v7 or null), C(runtime), C(unit), C(user),
      C(group), C(esb_python) (the words that start the ESB's Python), C(esb_inner_home) (its folder as that Python sees it), C(drained)
      (whether an interrupted run has left the host out of Consul), C(package_version) (null without a package), C(original_release)
      (its files), C(pending), C(stale), C(free_mb) by path, C(processes), C(healthz), C(message_types), C(egress), C(clock_offset) (seconds by
      which this host's clock is fast, or null), C(ding_service) (about the service that sends queued messages), C(host_python).
  returned: success
  type: dict
"""

import platform

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native

from ansible_collections.ding.blueking.plugins.module_utils import host_facts, preflight, secrecy
from ansible_collections.ding.blueking.plugins.module_utils.esb_python import OPTIONS, Esb
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem


def main():
    module = AnsibleModule(
        argument_spec=dict(
            OPTIONS,
            src_home=dict(type="path", default="/data/src"),
            paas_version=dict(type="str"),
            controller_version=dict(type="str"),
            force_version=dict(type="bool", default=False),
            runtime=dict(type="str", choices=["auto", "systemd", "docker", "command"], default="auto"),
            unit=dict(type="str", default="bk-paas-esb.service"),
            container=dict(type="str", default="bk-paas-esb"),
            engine=dict(type="str", default="docker"),
            restart_mode=dict(type="str", choices=["restart", "graceful", "command"], default="restart"),
            restart_command=dict(type="list", elements="str"),
            drain=dict(type="bool", default=False),
            consul_url=dict(type="str", default="http://127.0.0.1:8500"),
            consul_token=dict(type="str", no_log=True),
            consul_service=dict(type="str", default="paas-esb"),
            service_mode=dict(type="str", choices=["auto", "systemd", "external", "none"], default="auto"),
            service_unit=dict(type="str", default="bk-paas-esb-ding.service"),
            service_folder=dict(type="path", default="/etc/systemd/system"),
            backup_dir=dict(type="path", default="/data/backup/ding_blueking"),
            space_mb=dict(type="int", default=200),
            dingtalk_urls=dict(type="list", elements="str", default=list(host_facts.DINGTALK_URLS)),
            proxy=dict(type="str", no_log=True),
            offline=dict(type="bool", default=False),
            replace_original=dict(type="bool", default=False),
            whitelist_app=dict(type="bool", default=False),
            usermgr_url=dict(type="str"),
            usermgr_app_code=dict(type="str"),
            usermgr_app_secret=dict(type="str", no_log=True),
            usermgr_token=dict(type="str", no_log=True),
            validate_certs=dict(type="bool", default=True),
            url=dict(type="str"),
            app_code=dict(type="str"),
            app_secret=dict(type="str", no_log=True),
            username=dict(type="str", default="admin"),
            health=dict(type="bool", default=True),
        ),
        supports_check_mode=True,
    )
    shown = secrecy.invocation(module)
    failure = None
    try:
        facts = host_facts.gather(Esb(module.params), module.params)
    except Problem as problem:
        failure = to_native(problem)
    # Outside of the handler: within it, ansible-core 2.16 would print a traceback at -vvv.
    if failure is not None:
        module.fail_json(msg=failure, invocation=shown)
    facts["host_python"] = platform.python_version()
    problems, warnings = preflight.parted(preflight.findings(facts, module.params))
    module.exit_json(changed=False, problems=problems, warnings_found=warnings, facts=facts, invocation=shown)


if __name__ == "__main__":
    main()
