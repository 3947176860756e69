"""Where things lie: the clone, the sandbox's home, the environments, and one PaaS host on disk."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
ESB_SOURCE = ROOT / "sandbox" / "esb"
CHANNEL_SOURCE = ROOT / "files" / "components" / "ding_blueking"
CONSTRAINTS = ROOT / "constraints.txt"
REQUIREMENTS = ROOT / "requirements"


def write_private(path, text):
    """Written aside and renamed: a reader never sees half a file. What holds a secret of the sandbox has mode 0600."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(path.name + ".new")
    with open(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as handle:
        handle.write(text)
    staged.rename(path)


def environments_dir():
    """Environments are shared by all sandboxes of a clone: they take minutes to make and hold no data."""
    return Path(os.environ.get("DING_SANDBOX_ENVS") or ROOT / ".sandbox" / "envs").absolute()


@dataclass(frozen=True)
class Home:
    """One sandbox's folder; two sandboxes with different homes know nothing of each other."""

    path: Path

    @classmethod
    def current(cls):
        return cls(Path(os.environ.get("DING_SANDBOX_HOME") or ROOT / ".sandbox").absolute())

    @property
    def state(self):
        return self.path / "state.json"

    @property
    def lock(self):
        return self.path / "lock"

    @property
    def inventory(self):
        return self.path / "inventory.yml"

    @property
    def database(self):
        return self.path / "open_paas.sqlite3"

    @property
    def logs(self):
        return self.path / "logs"

    @property
    def data(self):
        """What DingTalk and user management remember between `down` and `up`."""
        return self.path / "data"

    @property
    def hosts(self):
        return self.path / "hosts"

    @property
    def control(self):
        return ControlPaths(self.path / "control")

    def host(self, name):
        return HostPaths(self.hosts / name)


@dataclass(frozen=True)
class ControlPaths:
    """The platform's control host, below a folder instead of below `/`."""

    root: Path

    @property
    def src_home(self):
        return self.root / "data" / "src"

    @property
    def env_files(self):
        return self.root / "data" / "install" / "bin" / "04-final"

    @property
    def backups(self):
        """Of the control host's own copy of the package."""
        return self.root / "data" / "backup" / "ding_blueking" / "control"


@dataclass(frozen=True)
class HostPaths:
    """A PaaS host as BlueKing V6 lays it out, below a folder instead of below `/`."""

    root: Path

    @property
    def bk_home(self):
        return self.root / "data" / "bkce"

    @property
    def esb(self):
        return self.bk_home / "open_paas" / "esb"

    @property
    def generic(self):
        return self.esb / "components" / "generic"

    @property
    def package(self):
        """The channel's folder, once it is installed."""
        return self.generic / "apis" / CHANNEL_SOURCE.name

    @property
    def heartbeat(self):
        """What the channel's service writes every two seconds."""
        return self.logs / CHANNEL_SOURCE.name / "service.beat"

    @property
    def env(self):
        return self.bk_home / ".envs" / "open_paas-esb"

    @property
    def logs(self):
        return self.bk_home / "logs" / "open_paas"

    @property
    def key_file(self):
        return self.bk_home / "open_paas" / "cert" / "saas_priv.txt"

    @property
    def src_home(self):
        """The platform's packages: an upgrade puts them over the running copy."""
        return self.root / "data" / "src"

    @property
    def backups(self):
        return self.root / "data" / "backup" / "ding_blueking"
