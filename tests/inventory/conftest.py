"""Fixtures of the inventory tests: modules run by pytest-ansible on the hosts that the plug-in install_config finds in a platform's own file.

They run in molecule's environment, on the two hosts of a sandbox that its job has brought up (DING_SANDBOX_HOME): `python -m pytest
--ansible-unit-inject-only --inventory DIR tests/inventory` would name a folder by hand; here the fixture `on` does.
"""

import os
import pathlib
import sys
from dataclasses import dataclass

import pytest
import yaml

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from sandbox import paths  # noqa: E402

INSTALL_CONFIG = """[basic]
127.0.0.1 paas,nginx
127.0.0.2 paas,mysql(paas)
127.0.0.3 bkmonitorv3(transfer)
"""
ADDRESSES = {"127.0.0.1": "paas1", "127.0.0.2": "paas2"}


@dataclass(frozen=True)
class Platform:
    """The inventory's folder, and the sandbox's hosts by their address."""

    inventory: pathlib.Path
    hosts: dict


@pytest.fixture(scope="session")
def platform(tmp_path_factory):
    """An install.config, and beside it the variables that an operator keeps in host_vars and group_vars."""
    home = paths.Home.current()
    hosts = {address: home.host(name) for address, name in ADDRESSES.items()}
    folder = tmp_path_factory.mktemp("inventory")
    (folder / "install.config").write_text(INSTALL_CONFIG, "utf-8")
    variables = {"group_vars/all.yml": {"ansible_connection": "local", "ansible_python_interpreter": os.environ["DING_TARGET_EXECUTABLE"]}}
    variables.update(("host_vars/%s.yml" % address, {"ding_bk_home": str(host.bk_home)}) for address, host in hosts.items())
    for name, values in variables.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(yaml.safe_dump(values), "utf-8")
    return Platform(folder / "install.config", hosts)


@pytest.fixture
def on(platform, ansible_adhoc):
    """on("paas", "host_lease", …) -> {address: result} of one module on the hosts of a group."""
    def run(group, module, **arguments):
        dispatcher = ansible_adhoc(inventory=str(platform.inventory))[group]
        return dict(getattr(dispatcher, "ding.blueking." + module)(**arguments).contacted)
    return run
