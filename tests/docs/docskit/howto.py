"""Which command of the documentation is run by which test, and which is not, with the reason."""

import re

# What the tests of test_playbooks.py run, on a site that is made as the README says, in this order.
ORDER = ("--tags preflight", "install --check --diff", "install", "install --limit 10.0.0.1", "configure --check --diff", "configure", "verify",
         "verify by a password file", "install -e ding_break_lock=true", "rollback --check", "rollback", "install again",
         "rollback -e ding_backup=pristine -e ding_confirm=true", "install once more", "uninstall")
# Of the sandbox: run by test_sandbox.py.
SANDBOX = (
    '.venv/bin/python -m sandbox send "<b>db-1</b>: disk almost full"',
    ".venv/bin/python -m sandbox fault refused",
    '.venv/bin/python -m sandbox send "Does this arrive?"',
    ".venv/bin/python -m sandbox status",
    ".sandbox/envs/ansible/bin/ansible-playbook -i .sandbox/inventory.yml playbooks/install.yml --check --diff",
    ".sandbox/envs/ansible/bin/ansible-playbook -i .sandbox/inventory.yml playbooks/rollback.yml -e ding_backup=pristine",
)
# Of the site: run by test_playbooks.py before the playbooks.
SITE = (
    "ansible-galaxy collection build --output-path .",
    "ansible-galaxy collection install ding-blueking-1.0.0.tar.gz",
    "ansible-galaxy collection install --force ding-blueking-1.0.0.tar.gz",
    "mkdir -p /root/ding/group_vars/paas",
    "cd /root/ding",
    "ansible-vault create /root/ding/group_vars/paas/vault.yml",
    "ansible-vault edit /root/ding/group_vars/paas/vault.yml",
)
# Only parsed: `make -n` for those of make.
NOT_RUN = {
    "make demo": "run twice by the stage `demo`, in an empty home",
    "make demo-down": "run by the stage `demo`",
    "make sandbox-down": "what `make demo-down` is; run by the stage `demo`",
    "make test": "is what runs this",
    "make docs": "its results are compared by test_current.py; it needs a browser",
    "make clean": "removes this very clone's environments",
    'make sandbox-up ARGS="--hosts 2 --python 2.7"': "every stage starts such a sandbox, by the same command line",
    "make test-esb ESB_HOME=/path/to/paas2/esb ESB_PYTHON=/path/to/env/bin/python SERVER=gunicorn": "needs a real ESB, which is not ours to bring along",
    "make bench": "measures for minutes and wants a quiet machine",
    "python3.11 -m venv /opt/ding": "writes to /opt; the tests' own environment of ansible-core 2.16 is made in the same way",
    "/opt/ding/bin/pip install 'ansible-core==2.16.*'": "writes to /opt; see above",
    "export PATH=/opt/ding/bin:$PATH": "see above",
    "ansible-builder build --file execution-environment.yml --tag ding-blueking:1.0.0":
        "needs a base image from a container registry; test_current.py reads the definition",
    "ansible-navigator run ding.blueking.install --execution-environment-image ding-blueking:1.0.0 --inventory inventory.yml --mode stdout":
        "needs that image",
}
_STAGE = re.compile(r'(?:DING_WHOLE=1 )?make test STAGE=(?:"([^"]+)"|(\S+))(?: ARGS="[^"]*")?$')
_PLAYBOOK = re.compile(
    r"^ansible-playbook -i platform\.install_config\.yml (?:--ask-vault-pass |--vault-password-file (\S+) )?ding\.blueking\.(\w+)(.*)$")


def stages(command):
    """The stages that a `make test` names; None when it is another command."""
    found = _STAGE.match(command)
    return (found.group(1) or found.group(2)).split() if found else None


def playbook(command):
    """(name of the playbook, its further arguments, whether the vault's password comes from a file); None when it is another command."""
    found = _PLAYBOOK.match(command)
    return (found.group(2), found.group(3).strip(), bool(found.group(1))) if found else None


def step(name, arguments, by_file):
    """A playbook command as ORDER has it."""
    if arguments == "--tags preflight":
        return arguments
    return " ".join(filter(None, [name, arguments, "by a password file" if by_file else ""]))
