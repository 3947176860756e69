"""Every example of README, guides and roles is run by a test, or named with the reason why not."""

import json
import re
import subprocess

import docskit
import pytest
import yaml
from docskit import howto

from scripts import role_docs
from tests.run import ansible_envs
from tests.run.stages import all_jobs

PAGES = docskit.pages("README*.md", "CONTRIBUTING.md", "docs/*.md", "roles/*/README.md")
BLOCKS = [block for page in PAGES for block in docskit.blocks(page)]
COMMANDS = sorted({command for block in BLOCKS if block.language == "sh" for command in docskit.commands(block)})
# What several pages or both languages have is tried once.
YAML = list({json.dumps(yaml.safe_load(block.text)): (block.page, number, block.text) for number, block in enumerate(BLOCKS)
             if block.language == "yaml"}.values())
JSON = [(block.page, block.text) for block in BLOCKS if block.language == "json"]
KINDS = ("sh", "yaml", "json", "html", "text", "markdown")
# A part of another program's values, which is only read.
OTHERS = ("bkEsb",)
SITE_FILES = ("plugin", "path")


def known(command):
    step = howto.playbook(command)
    return (command in howto.SANDBOX or command in howto.SITE or command in howto.NOT_RUN or howto.stages(command) is not None
            or (step is not None and howto.step(*step) in howto.ORDER))


def test_there_are_examples():
    assert len(COMMANDS) > 25 and len(YAML) > 15 and len(JSON) >= 4


def test_every_command_is_run_by_a_test_or_named_with_a_reason():
    assert [command for command in COMMANDS if not known(command)] == []


def test_nothing_is_named_that_no_page_has():
    # Those are named in the middle of sentences.
    inline = {"make clean", "make docs", "make demo-down"}
    assert sorted({*howto.SANDBOX, *howto.SITE, *howto.NOT_RUN} - set(COMMANDS) - inline) == []


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("make ")])
def test_make_knows_the_target(command):
    done = subprocess.run(["sh", "-c", command.replace("make ", "make -n ", 1)], cwd=docskit.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_stages_that_are_named_exist():
    there = {job.stage for job in all_jobs()} | {job.name.replace(" ", "-") for job in all_jobs()}
    named = [stage for command in COMMANDS for stage in howto.stages(command) or []]
    assert len(named) > 2 and [stage for stage in named if stage not in there] == []


def test_every_block_says_what_it_is():
    assert [(block.page, block.language) for block in BLOCKS if block.language not in KINDS] == []


@pytest.mark.parametrize(("page", "text"), JSON)
def test_json_is_what_the_component_takes(page, text):
    data = json.loads(text)
    source = docskit.read("files/components/ding_blueking/toolkit/order.py")
    fields = set(re.findall(r'"(\w+)"', source.partition("FIELDS = (")[2].partition(")\n")[0])) | {"bk_app_code", "bk_app_secret", "bk_username"}
    assert sorted(set(data) - fields) == []


def kind(text):
    """A list is a play or tasks; the rest are variables, but for a part of another program's values and what test_site.py makes a site of."""
    data = yaml.safe_load(text)
    if isinstance(data, list):
        return "plays"
    read = set(data) & set(OTHERS) or set(data) == set(SITE_FILES) or all(name.startswith("vault_") for name in data)
    return "read" if read else "variables"


def of_kind(wanted):
    return {"example%d" % number: (page, text) for page, number, text in YAML if kind(text) == wanted}


def test_plays_are_what_ansible_takes(tmp_path):
    examples = of_kind("plays")
    for name, (_, text) in examples.items():
        (tmp_path / (name + ".yml")).write_text(text, "utf-8")
    (tmp_path / "hosts.ini").write_text("[paas]\n127.0.0.1 ansible_connection=local\n", "utf-8")
    assert len(examples) > 5
    run(tmp_path, "--syntax-check", *(name + ".yml" for name in examples))


def test_variables_are_what_preflight_takes(tmp_path):
    """One host for each example, so that one run checks all."""
    examples, known = of_kind("variables"), set(role_docs.all_options())
    assert len(examples) > 5
    (tmp_path / "host_vars").mkdir()
    for name, (page, text) in examples.items():
        assert set(yaml.safe_load(text)) - known == set(), page
        values = "".join("%s: %s\n" % pair for pair in vault(text).items())
        (tmp_path / "host_vars" / (name + ".yml")).write_text("%s\n%s" % (text, values), "utf-8")
    (tmp_path / "hosts.ini").write_text("[paas]\n%s\n[paas:vars]\nansible_connection=local\n" % "\n".join(examples), "utf-8")
    said = run(tmp_path, str(docskit.ROOT / "playbooks" / "hosts.yml"))
    assert said.count("failed=0") == len(examples) + 1


def vault(text):
    """False values of the right form for the variables of a vault that a text uses."""
    forms = {"webhook": "https://oapi.dingtalk.com/robot/send?access_token=" + "0" * 64, "secret": "SECnotareal" + "0" * 30}
    return {name: forms["webhook" if name.endswith("webhook") else "secret"] for name in re.findall(r"\{\{ (vault_\w+) \}\}", text)}


def run(folder, *words):
    programs = ansible_envs.core("2.16")
    environment = {"PATH": "%s:/usr/bin:/bin" % programs, "HOME": str(folder), "ANSIBLE_COLLECTIONS_PATH": str(docskit.ROOT / "collections"),
                   "LC_ALL": "C.UTF-8", "ANSIBLE_LOCALHOST_WARNING": "false"}
    done = subprocess.run([programs / "ansible-playbook", "-i", "hosts.ini", *words], cwd=folder, env=environment, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
