"""Runs Ansible's commands in an empty home without a network, and knows what the collection consists of."""

import json
import os
import subprocess
from pathlib import Path

import yaml

from tests.run import static

ROOT = Path(__file__).resolve().parents[2]
NAME = "ding.blueking"
SECONDS = 120
# The kinds of plugins that have documentation of their own; a module's action plugin has the module's.
KINDS = {"module": "modules/*.py", "inventory": "inventory/*.py", "lookup": "lookup/*.py", "filter": "filter/*.yml", "test": "test/*.yml"}
# Not a collection's content: galaxy.yml itself becomes MANIFEST.json.
NOT_BUILT = ("tests/", "sandbox/", "bench/", "scripts/", "requirements/", "collections/", "molecule/", "galaxy.yml", "ansible.cfg", "Makefile",
             "constraints.txt", "pyproject.toml", ".")


class Ansible:
    """One ansible-core: its bin folder, and a place for homes."""

    def __init__(self, bin_folder, place):
        self.bin, self.place = Path(bin_folder), Path(place)

    def __call__(self, command, *words, cwd=None, home=None, code=0, **environment):
        """Runs a command; returns (what it wrote to stdout, to stderr). Any other exit code than `code` fails the test."""
        home = Path(home or self.place / "home-of-nobody")
        home.mkdir(exist_ok=True)
        nowhere = "http://127.0.0.1:9"
        values = {"HOME": str(home), "PATH": os.pathsep.join([str(self.bin), "/usr/local/bin", "/usr/bin", "/bin"]), "LANG": "C.UTF-8",
                  "PYTHONDONTWRITEBYTECODE": "1", "http_proxy": nowhere, "https_proxy": nowhere, "COLUMNS": "1000", **environment}
        done = subprocess.run([str(self.bin / command), *map(str, words)], cwd=cwd or home, env=values, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=SECONDS)
        assert done.returncode == code, "%s ended with %d:\n%s%s" % (command, done.returncode, done.stdout, done.stderr)
        return done.stdout, done.stderr

    def inventory(self, source, **keywords):
        return json.loads(self("ansible-inventory", "-i", source, "--list", **keywords)[0])


class Git:
    def __init__(self, folder):
        self.folder = folder

    def commit_all(self):
        for words in (["init", "-q"], ["add", "-A", "-f"],
                      ["-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "-q", "-m", "All"]):
            subprocess.run(["git", *words], cwd=self.folder, check=True, capture_output=True)


def playbooks():
    """Names of the playbooks that an operator runs."""
    return sorted(Path(name).stem for name in static.tracked("playbooks/*.yml"))


def plugins():
    """[(kind, full name), …] of all plugins that have documentation."""
    return [(kind, "%s.%s" % (NAME, stem)) for kind, pattern in KINDS.items()
            for stem in sorted({Path(name).stem for name in static.tracked("plugins/" + pattern)} - {"__init__"})]


def roles():
    return sorted({Path(name).parts[1] for name in static.tracked("roles/*/meta/main.yml")})


def found_playbooks(said):
    """Names of the playbooks that a syntax check has found."""
    return [Path(line.partition(": ")[2]).stem for line in said.splitlines() if line.startswith("playbook: ")]


def load(path):
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


def plain(value):
    """Without the mark by which ansible-inventory shows that a text is no template."""
    return value.get("__ansible_unsafe", value) if isinstance(value, dict) else value
