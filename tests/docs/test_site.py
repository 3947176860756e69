"""The README's five steps, as they stand there: the archive is built and installed in an empty home, the site's files are the README's own, and every
playbook command of README and guides is run. Only the addresses of hosts and services are the sandbox's."""

import os
import pty
import subprocess
from pathlib import Path

import docskit
import pytest
import yaml
from docskit import howto

from sandbox import client, inventory, paths, receivers
from sandbox.control import Sandbox
from tests.run import ansible_envs

README = docskit.blocks("README.md")
COMMANDS = {howto.step(*howto.playbook(command)): command for page in docskit.pages("README.md", "docs/en/*.md") for block in docskit.blocks(page)
            if block.language == "sh" for command in docskit.commands(block) if howto.playbook(command)}
HOST, PASSWORD = "127.0.0.1", "not-a-real-password"
REPEATED = {"install again": "install", "install once more": "install"}


class Site:
    """The folder /root/ding of the README, in a home of its own."""

    def __init__(self, place, sandbox):
        self.home, self.folder, self.sandbox = place / "home", place / "home" / "ding", sandbox
        self.home.mkdir(parents=True)
        self.password = self.home / ".ding-vault-password"
        self.password.write_text(PASSWORD + "\n", "utf-8")
        self.path = "%s:/usr/bin:/bin" % ansible_envs.core("2.16")

    def run(self, command, folder=None, terminal=False, **more):
        """A command of the documentation, with this site's folders in place of root's. terminal: for what asks whether there is one."""
        text = command.replace("/root/ding", str(self.folder)).replace("/root/.ding-vault-password", str(self.password)).replace("--ask-vault-pass ", "")
        environment = {"PATH": self.path, "HOME": str(self.home), "LC_ALL": "C.UTF-8", "ANSIBLE_LOCALHOST_WARNING": "false",
                       "ANSIBLE_VAULT_PASSWORD_FILE": str(self.password), **more}
        ours, theirs = pty.openpty() if terminal else (None, subprocess.DEVNULL)
        try:
            done = subprocess.run(["sh", "-c", text], cwd=folder or self.folder, env=environment, stdin=theirs,
                                  stdout=theirs if terminal else subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            return done.returncode, os.read(ours, 65536).decode() if terminal and done.returncode else done.stdout or ""
        finally:
            for end in (ours, theirs) if terminal else ():
                os.close(end)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def write_the_readmes_files(self):
        """Each YAML block of the README names its file in the first line."""
        urls = self.sandbox.state["urls"]
        robot = receivers.robot_entry(urls["dingtalk"])
        for block in README:
            name, here = block.text.partition("\n")[0].rpartition("/root/ding/")[2].partition(",")[0], block.text
            if block.language != "yaml" or not name.endswith(".yml"):
                continue
            if name.endswith("vault.yml"):
                here = here.replace("https://oapi.dingtalk.com/robot/send?access_token=the-token", robot["webhook"]).replace("SECthe-secret", robot["secret"])
                (self.home / "typed.yml").write_text(here, "utf-8")
            else:
                self.write(name, here.replace("/data/install/install.config", str(self.folder / "install.config")))

    def write_what_a_platform_has(self):
        """The hosts, and what is different on a sandbox from a platform."""
        names = self.sandbox.host_names()
        content = inventory.content(self.sandbox.home, names, self.sandbox.state)["all"]
        shared = {name: value for name, value in content["vars"].items() if name not in ("robots", "ding_app_key", "ding_app_secret", "ding_verify_receivers")}
        shared["ding_restart_command"] = [word.replace("{{ inventory_hostname }}", names[0]) for word in shared["ding_restart_command"]]
        self.write("install.config", "[all]\n%s paas,mysql(paas),nginx\n" % HOST)
        self.write("group_vars/all.yml", yaml.safe_dump(shared))
        self.write("host_vars/%s.yml" % HOST, yaml.safe_dump(content["children"]["paas"]["hosts"][names[0]]))

    def tell_dingtalk_and_usermgr(self):
        """The README's app, and the person who gets the test message."""
        urls, main = self.sandbox.state["urls"], yaml.safe_load((self.folder / "group_vars/paas/main.yml").read_text("utf-8"))
        secret = yaml.safe_load((self.home / "typed.yml").read_text("utf-8"))["vault_ding_app_secret"]
        client.post(urls["dingtalk"] + "/_admin/apps", {"app_key": main["ding_app_key"], "app_secret": secret})
        for number, name in enumerate(main["ding_verify_receivers"]):
            mobile = "1390000010%d" % number
            client.post(urls["usermgr"] + "/_admin/users", {"username": name, "telephone": mobile})
            client.post(urls["dingtalk"] + "/_admin/people", {"userid": "site-%s" % name, "name": name, "mobile": mobile})


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if not os.environ.get("DING_SANDBOX_HOME"):
        pytest.skip("needs a sandbox of its own: the stage `docs` starts one")
    return Site(tmp_path_factory.mktemp("site"), Sandbox(paths.Home.current()))


def ok(site, command, **more):
    code, said = site.run(command, **more)
    assert code == 0, said
    return said


def test_the_archive_is_built_and_installed(site):
    place = str(site.home)
    ok(site, howto.SITE[0].replace(" .", " " + place), folder=docskit.ROOT)
    for command in howto.SITE[1:3]:
        ok(site, command, folder=place)
    assert (site.home / ".ansible/collections/ansible_collections/ding/blueking/playbooks/install.yml").is_file()


def test_the_sites_folder_is_made_as_the_readme_says(site):
    ok(site, howto.SITE[3], folder=site.home)
    ok(site, howto.SITE[4], folder=site.home)
    site.write_the_readmes_files()
    site.write_what_a_platform_has()
    ok(site, howto.SITE[5], terminal=True, EDITOR="cp %s" % (site.home / "typed.yml"))
    ok(site, howto.SITE[6], terminal=True, EDITOR="true")
    assert Path(site.folder / "group_vars/paas/vault.yml").read_text("utf-8").startswith("$ANSIBLE_" + "VAULT")
    site.tell_dingtalk_and_usermgr()


def test_every_playbook_command_has_its_turn():
    assert sorted(COMMANDS) == sorted(set(howto.ORDER) - set(REPEATED))


@pytest.mark.parametrize("step", howto.ORDER)
def test_the_command_ends_well(site, step):
    command = COMMANDS[REPEATED.get(step, step)].replace("10.0.0.1", HOST)
    if step == "rollback":
        code, said = site.run(command)
        assert code != 0 and "Not confirmed, so nothing was changed" in said
        command += " -e ding_confirm=true"
    said = ok(site, command)
    assert "%s " % HOST in said and "failed=0" in said


def test_nothing_of_the_channel_is_left(site):
    generic = site.sandbox.home.host(site.sandbox.host_names()[0]).bk_home / "open_paas/esb/components/generic/apis"
    assert not (generic / "ding_blueking").exists() and "ding.blueking" not in (generic / "conf.py").read_text("utf-8")
