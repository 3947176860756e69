"""Which Python is taken, and when an environment is made anew."""

import os
import stat
import sys
import threading

import pytest

from sandbox import environments, paths
from sandbox.errors import SandboxError


def program(folder, name, text):
    path = folder / name
    path.write_text("#!/bin/sh\n" + text + "\n", "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def empty_path(tmp_path, monkeypatch):
    """A PATH with nothing but what the test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    for name in ("DING_PYTHON27", "DING_PYTHON36"):
        monkeypatch.delenv(name, raising=False)
    return folder


def test_no_python_is_none_and_is_named(empty_path):
    assert environments.interpreter("2.7") is None
    assert environments.missing() == ["2.7", "3.6"]
    with pytest.raises(SandboxError, match="no Python 2.7 here.*DING_PYTHON27"):
        environments.esb("2.7")


def test_a_shim_that_refuses_does_not_count(empty_path):
    program(empty_path, "python2.7", "echo 'pyenv: python2.7: command not found' >&2; exit 127")
    assert environments.interpreter("2.7") is None


def test_pyenv_is_asked_for_its_newest_patch_when_the_path_has_none(empty_path, tmp_path):
    (tmp_path / "prefix/bin").mkdir(parents=True)
    real = program(tmp_path / "prefix/bin", "python", "echo 3.6")
    program(empty_path, "pyenv", 'case "$*" in "versions --bare") echo system; echo 3.6.9; echo 3.6.15; echo 3.60.1;; '
                                 '"prefix 3.6.15") echo %s;; *) exit 1;; esac' % (tmp_path / "prefix"))
    assert environments.interpreter("3.6") == str(real)
    assert environments.interpreter("2.7") is None


def test_the_variable_comes_first_and_must_be_right(empty_path, monkeypatch):
    program(empty_path, "python2.7", "echo 2.7")
    named = program(empty_path, "my-python", "echo 2.7")
    monkeypatch.setenv("DING_PYTHON27", str(named))
    assert environments.interpreter("2.7") == str(named)
    monkeypatch.setenv("DING_PYTHON27", sys.executable)
    with pytest.raises(SandboxError, match="DING_PYTHON27=.* is not a Python 2.7"):
        environments.interpreter("2.7")


class Builder:
    """Stands in for venv and pip; counts how often they are called."""

    def __init__(self, monkeypatch):
        self.made, self.filled = 0, []
        monkeypatch.setattr(environments, "_create", self.create)
        monkeypatch.setattr(environments, "_pip", self.pip)

    def create(self, folder, kind, base):
        self.made += 1
        (folder / "bin").mkdir(parents=True)
        os.symlink(sys.executable, folder / "bin" / "python")

    def pip(self, executable, requirements, options=()):
        self.filled.append(requirements)


@pytest.fixture
def builder(monkeypatch, tmp_path):
    monkeypatch.setenv("DING_SANDBOX_ENVS", str(tmp_path / "envs"))
    monkeypatch.setitem(environments.ESB, "current", environments.Kind("py3", "current", ("json",)))
    return Builder(monkeypatch)


def quiet(text):
    """Where the user would read what is going on."""


def test_an_environment_is_made_once(builder):
    environments.esb("current", servers=True, say=quiet)
    environments.esb("current", servers=True, say=quiet)
    assert (builder.made, builder.filled) == (1, ["esb.in", "servers.in"])


def test_an_interrupted_or_damaged_environment_is_made_anew(builder):
    folder = environments.esb("current", say=quiet).parent.parent
    (folder / ".stamp").unlink()
    environments.esb("current", say=quiet)
    (folder / "bin/python").unlink()
    environments.esb("current", say=quiet)
    assert builder.made == 3


def test_other_pins_make_it_anew(builder, monkeypatch, tmp_path):
    environments.esb("current", say=quiet)
    changed = tmp_path / "constraints.txt"
    changed.write_text(paths.CONSTRAINTS.read_text("utf-8") + "# changed\n", "utf-8")
    monkeypatch.setattr(paths, "CONSTRAINTS", changed)
    environments.esb("current", say=quiet)
    assert builder.made == 2


def test_two_at_once_make_it_once(builder):
    both = [threading.Thread(target=environments.esb, args=("current",), kwargs={"say": quiet}) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert builder.made == 1


def test_a_failing_pip_says_what_it_said(tmp_path):
    failing = program(tmp_path, "python", "echo 'No matching distribution found for thing==1'; exit 1")
    with pytest.raises(SandboxError, match="pip could not install requirements/esb.in") as caught:
        environments._pip(failing, "esb.in")
    assert "No matching distribution found for thing==1" in str(caught.value)
