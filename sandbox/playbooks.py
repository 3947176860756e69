"""Runs the collection's own playbooks against a sandbox, with an ansible-core of the clone's."""

import subprocess
import time

from sandbox import environments, paths, processes

CALLBACKS = paths.ROOT / "sandbox" / "callbacks"


def command(binaries, home, playbook, *arguments):
    """The words of one run: all variables are in the inventory."""
    return [str(binaries / "ansible-playbook"), "--inventory", str(home.inventory), str(playbook), *arguments]


def environment(home, **more):
    """Nothing of the caller's own Ansible, and nothing left in the home folder."""
    own = home.path / "ansible"
    return processes.clean_environment(**{
        "ANSIBLE_CONFIG": paths.ROOT / "ansible.cfg",
        "ANSIBLE_HOME": own,
        "ANSIBLE_REMOTE_TEMP": own / "remote",
        "ANSIBLE_NOCOLOR": "1",
        **more,
    })


def account(home, name, since=None, say=print):
    """Runs playbooks/NAME.yml, a line per task on standard output; returns the exit code. `since`: what the seconds count from."""
    binaries = environments.ansible(say)
    variables = environment(home, ANSIBLE_STDOUT_CALLBACK="account", ANSIBLE_CALLBACK_PLUGINS=CALLBACKS,
                            DING_ACCOUNT_SINCE=time.monotonic() if since is None else since)
    words = command(binaries, home, paths.ROOT / "playbooks" / (name + ".yml"))
    return subprocess.run(words, cwd=paths.ROOT, env=variables, stdin=subprocess.DEVNULL).returncode
