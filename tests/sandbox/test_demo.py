"""What `make demo` does about a playbook that fails, and with what a playbook is run."""

import pytest

from sandbox import demo, paths, playbooks
from sandbox.errors import SandboxError


class UpSandbox:
    def __init__(self, home):
        self.home = home


@pytest.fixture
def home(tmp_path):
    return paths.Home(tmp_path / "a home")


@pytest.fixture
def binaries(tmp_path, monkeypatch):
    """A stand-in for the environment with ansible-core."""
    folder = tmp_path / "a bin"
    folder.mkdir()
    monkeypatch.setattr(playbooks.environments, "ansible", lambda say=print: folder)
    return folder


def program(folder, text):
    path = folder / "ansible-playbook"
    path.write_text("#!/bin/sh\n" + text + "\n", "utf-8")
    path.chmod(0o755)


def test_a_playbook_that_fails_ends_the_demo_and_its_whole_output_can_be_had(home, binaries):
    program(binaries, "exit 2")
    with pytest.raises(SandboxError, match=r"playbooks/install\.yml ended with 2") as caught:
        demo._play(UpSandbox(home), "install", "", demo.Steps())
    command = str(caught.value).splitlines()[-1]
    assert "a bin/ansible-playbook'" in command and command.endswith("a home/inventory.yml' playbooks/install.yml")


def test_a_playbook_that_fails_makes_the_exit_code_1(home, binaries, monkeypatch, capsys):
    program(binaries, "exit 4")
    sandbox = UpSandbox(home)
    monkeypatch.setattr(demo, "Sandbox", lambda *words, **more: sandbox)
    monkeypatch.setattr(demo.environments, "tools", lambda say: None)
    monkeypatch.setattr(demo, "_start", lambda sandbox, step: None)
    assert demo.main() == 1
    assert "The demo failed: playbooks/install.yml ended with 4" in capsys.readouterr().err


def test_nothing_of_the_callers_ansible_or_python_reaches_a_playbook(home, binaries, monkeypatch, capfd):
    for name in ("ANSIBLE_CONFIG", "ANSIBLE_STDOUT_CALLBACK", "ANSIBLE_VAULT_PASSWORD_FILE", "PYTHONPATH", "https_proxy"):
        monkeypatch.setenv(name, "the caller's")
    program(binaries, 'env; pwd; for word in "$@"; do echo "word $word"; done')
    assert playbooks.account(home, "verify") == 0
    said = capfd.readouterr().out
    assert "the caller's" not in said
    assert "ANSIBLE_CONFIG=%s/ansible.cfg\n" % paths.ROOT in said and "\n%s\n" % paths.ROOT in said
    assert [line for line in said.splitlines() if line.startswith("word ")] == [
        "word --inventory", "word %s/inventory.yml" % home.path, "word %s/playbooks/verify.yml" % paths.ROOT]


@pytest.mark.parametrize(("running", "wanted"), [((3, 11, 9), "ansible219.in"), ((3, 12, 0), "ansible221.in"), ((3, 14, 1), "ansible221.in")])
def test_the_running_python_chooses_the_ansible_core(monkeypatch, tmp_path, running, wanted):
    made = []
    monkeypatch.setattr(playbooks.environments.sys, "version_info", running)
    monkeypatch.setattr(playbooks.environments, "make", lambda kind, requirements, say: made.append(requirements) or tmp_path / "bin/python")
    playbooks.environments.ansible()
    assert made == [wanted]
