"""What README, guides and the demo's hints say about the sandbox is so: each command is run, and each message format compared with what arrives."""

import os
import re
import shlex
import subprocess

import docskit
import pytest
from docskit import howto

from sandbox import client, demo, environments, paths, receivers, trying
from sandbox.control import Sandbox

TITLE = "Alarm"
FORMATS = [block for block in docskit.blocks("docs/en/messages.md") if block.word]


@pytest.fixture(scope="module")
def home():
    if not os.environ.get("DING_SANDBOX_HOME"):
        pytest.skip("needs a sandbox of its own: the stage `docs` starts one")
    home = paths.Home.current()
    code, said = run(howto.SANDBOX[4].replace(" --check --diff", ""), home)
    assert code == 0, said
    return home


@pytest.fixture
def dingtalk(home):
    return Sandbox(home).state["urls"]["dingtalk"]


def words(command, home):
    """A command of the README, for this sandbox in place of the clone's."""
    places = {".sandbox/envs/ansible/bin": environments.ansible(), ".sandbox/inventory.yml": home.inventory}
    text = command
    for name, path in places.items():
        text = text.replace(name, shlex.quote(str(path)))
    return text.replace(".venv/bin/python", shlex.quote(str(paths.VENV / "bin" / "python")))


def run(command, home, *more, answer=None):
    done = subprocess.run(["sh", "-c", " ".join([words(command, home), *more])], cwd=paths.ROOT, capture_output=True, text=True, input=answer,
                          stdin=None if answer else subprocess.DEVNULL, env=dict(os.environ, HOME=str(home.path)))
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("number", range(len([block for block in FORMATS if block.word == "send"])))
def test_a_message_arrives_as_the_guide_shows_it(home, dingtalk, number):
    starts = [place for place, block in enumerate(FORMATS) if block.word == "send"]
    content, shown = FORMATS[starts[number]].text.rstrip("\n"), FORMATS[starts[number] + 1:starts[number] + 3]
    assert [block.word for block in shown] == ["as-text", "as-markdown"]
    for block in shown:
        before = max([0, *(message["id"] for message in client.get(dingtalk + "/_admin/messages")["messages"])])
        answer = trying.send(Sandbox(home), receivers.ROBOT, TITLE, content, block.word.partition("-")[2])
        assert answer["result"] is True, answer
        arrived = client.get("%s/_admin/messages?after=%d" % (dingtalk, before))["messages"]
        assert [lines(message["text"]) for message in arrived] == [lines(block.text)]


def lines(text):
    """Without blanks at the ends of lines, which an editor would take away from a page."""
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def test_commands_of_the_readme_do_what_it_says(home):
    for command in howto.SANDBOX[:4]:
        code, said = run(command, home)
        wanted = 1 if "Does this arrive" in command else 0
        assert code == wanted, said
        if wanted:
            assert "refused" in said and "keywords not in content" in said and "demo_person: sent" in said


def test_a_check_run_on_the_sandbox_ends_well(home):
    code, said = run(howto.SANDBOX[4], home)
    assert code == 0, said


def test_hints_of_the_demo_are_commands_of_the_readme(home):
    hints = [re.sub(r"\S*/ansible-playbook", ".sandbox/envs/ansible/bin/ansible-playbook", command) for _, command in demo.hints(home)]
    known = [command.replace(" -i ", " --inventory ") for command in howto.SANDBOX] + list(howto.NOT_RUN)
    # Where the sandbox lies elsewhere, as here, the hint names that place.
    assert [hint for hint in hints if re.sub(r"--inventory \S+", "--inventory .sandbox/inventory.yml", hint) not in known] == []


# The last of this module: the sandbox is without the channel after it.
def test_the_rollback_asks_and_takes_the_message_type_away(home):
    code, said = run(howto.SANDBOX[5], home)
    assert code != 0 and "Not confirmed, so nothing was changed" in said
    code, said = run(howto.SANDBOX[5], home, "-e", "ding_confirm=true")
    assert code == 0, said
    code, said = run(howto.SANDBOX[0], home)
    assert code == 1 and "Unsupported type of msg type" in said
