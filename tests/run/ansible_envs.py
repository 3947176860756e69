"""The environments of the three ansible-cores, and of the old Pythons on which ansible-test runs unit tests."""

import subprocess
from dataclasses import dataclass

from sandbox import environments

_CONTROLLER = ("ansible", "mock", "pytest", "xdist", "yaml")


@dataclass(frozen=True)
class Core:
    """One ansible-core: its version, its environment, and the Python that it runs on."""

    version: str
    kind: environments.Kind

    @property
    def python(self):
        return self.kind.python


CORES = {
    "2.16": Core("2.16", environments.Kind("ansible216", "3.11", _CONTROLLER)),
    "2.19": Core("2.19", environments.Kind("ansible219", "3.11", _CONTROLLER)),
    "2.21": Core("2.21", environments.Kind("ansible221", "3.13", _CONTROLLER)),
}
# What modules run on in the tests.
TARGETS = ("2.7", "3.6", "3.9", "3.11", "3.13")
# ansible-test wants pytest beside the Python that it tests with: on the old ones it lies in an environment of its own.
UNITS = {
    "2.7": environments.Kind("units27", "2.7", ("mock", "pytest", "xdist", "yaml")),
    "3.6": environments.Kind("units36", "3.6", ("mock", "pytest", "xdist", "yaml")),
}
# Each task of each host is a process of a second's life: looking for garbage in it is a fifteenth of a playbook's time.
COLLECT_RARELY = "import gc; gc.set_threshold(200000, 50, 50)\n"

LINT = environments.Kind("lint", "3.11", ("ansiblelint",))
DOCS = environments.Kind("docs", "3.11", ("ansible", "antsibull_changelog", "antsibull_docs", "codespell_lib"))
MOLECULE = environments.Kind("molecule", "3.11", ("ansible", "molecule", "pytest", "pytest_ansible", "xdist", "yaml"))


def lint(say=print):
    """Makes the environment of ansible-lint; returns its bin folder."""
    return environments.make(LINT, "lint.in", say).parent


def docs(say=print):
    """Makes the environment of antsibull's tools and codespell; returns its bin folder."""
    return environments.make(DOCS, "docs.in", say).parent


def molecule(say=print):
    """Makes the environment of molecule and pytest-ansible; returns its bin folder."""
    return environments.make(MOLECULE, "molecule.in", say).parent


def core(version, say=print):
    """Makes the environment of one ansible-core; returns its bin folder."""
    kind = CORES[version].kind
    binaries = environments.make(kind, kind.name + ".in", say).parent
    for packages in binaries.parent.glob("lib/python*/site-packages"):
        start = packages / "collect_rarely.pth"
        if not start.exists():
            start.write_text(COLLECT_RARELY, "utf-8")
    return binaries


def units(python, say=print):
    """Makes the environment for unit tests on one old Python; returns its bin folder."""
    return environments.make(UNITS[python], "units.in", say).parent


def target(python):
    """The interpreter that a module runs on; None when it is not on this machine. A shim's own answer, not the shim."""
    found = environments.interpreter(python)
    if found is None:
        return None
    return subprocess.run([found, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True,
                          check=True).stdout.strip()
