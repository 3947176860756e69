"""inventory.yml: everything that `ansible-playbook -i inventory.yml playbooks/install.yml` needs, and nothing else has to be given."""

import os
import sys

import yaml

from sandbox import channel, paths, receivers

HEAD = "# Written by `python -m sandbox up`; everything in it is on this machine, and no secret in it is a real one.\n"
OPERATOR = "sandbox"


def write(home, names, state):
    """Written aside and renamed; it holds (false) secrets, as a real one would: mode 0600."""
    text = "---\n" + HEAD + yaml.safe_dump(content(home, names, state), sort_keys=False, allow_unicode=True, width=1000)
    paths.write_private(home.inventory, text)


def content(home, names, state):
    """The inventory as plain data."""
    hosts = {name: _host(home.host(name), state["processes"][name]["port"]) for name in names}
    usermgr = {"usermgr1": {"ding_usermgr_port": state["processes"]["usermgr"]["port"]}}
    return {"all": {"vars": _shared(home, state), "children": {"paas": {"hosts": hosts}, "usermgr": {"hosts": usermgr}}}}


def _host(host, port):
    return {
        "ding_bk_home": str(host.bk_home),
        "ding_src_home": str(host.src_home),
        "ding_backup_dir": str(host.backups),
        "ding_esb_host": "127.0.0.1",
        "ding_esb_port": port,
    }


def _shared(home, state):
    urls, control = state["urls"], home.control
    # Variables of `all` hold for localhost as well, to which the playbooks delegate what belongs on the control host.
    return {
        "ansible_connection": "local",
        # The sandbox runs as whoever started it.
        "ansible_become": False,
        # The Python behind .venv: its path holds no blank where the clone's does.
        "ansible_python_interpreter": os.path.realpath(sys.executable),
        "ding_esb_runtime": "command",
        "ding_restart_mode": "command",
        "ding_restart_command": _restart_command(home),
        # The sandbox keeps it as it keeps the ESB.
        "ding_service_mode": "external",
        "ding_control_src_home": str(control.src_home),
        "ding_control_env": str(control.env_files),
        "ding_control_backup_dir": str(control.backups),
        "ding_operator": OPERATOR,
        "ding_oapi_url": urls["dingtalk"],
        "ding_api_url": urls["dingtalk"],
        "ding_usermgr_url": urls["usermgr"],
        "ding_esb_app_code": state["app_code"],
        "ding_esb_app_secret": state["app_secret"],
        "ding_app_key": channel.APP_KEY,
        "ding_app_secret": channel.APP_SECRET,
        "robots": [receivers.robot_entry(urls["dingtalk"])],
        "ding_verify_receivers": [receivers.PERSON],
    }


def _restart_command(home):
    """Words, because each path may hold a blank. A playbook changes into no folder of ours."""
    variables = {"PYTHONPATH": paths.ROOT, "DING_SANDBOX_HOME": home.path, "DING_SANDBOX_ENVS": paths.environments_dir()}
    return ["env", *("%s=%s" % pair for pair in variables.items()),
            str(paths.VENV / "bin" / "python"), "-m", "sandbox", "restart", "{{ inventory_hostname }}"]
