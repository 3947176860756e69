"""Makes docs/install.txt, what install.yml prints on a platform that had no channel, and the pictures of the sandbox's page.

    python -m scripts.screenshots           makes all, on a sandbox of its own
    python -m scripts.screenshots --text    makes install.txt only, for which no browser is needed

The browser is Debian's chromium, or what DING_BROWSER names. Times in pictures and text are those of the run: nothing compares them.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sandbox import environments, paths, playbooks, receivers, trying
from sandbox.control import Sandbox
from sandbox.errors import SandboxError

ROOT = paths.ROOT
IMAGES = ROOT / "docs" / "images"
RECORDING = ROOT / "docs" / "install.txt"
HEAD = "# Made by `make docs`: install.yml on the sandbox, two PaaS hosts without the channel.\n$ ansible-playbook -i inventory.yml ding.blueking.install\n"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Milliseconds of the page's own clock: its first poll has come home by then.
PAGE_TIME = 4000
FORMATS = ROOT / "docs" / "en" / "messages.md"
_BLOCK = re.compile(r"^```(?:html|text) send\n(.*?)^```$", re.S | re.M)


def record(home):
    """Runs install.yml with Ansible's own output; returns the text, without a path of this machine."""
    variables = playbooks.environment(home, ANSIBLE_CALLBACK_RESULT_FORMAT="yaml", ANSIBLE_DISPLAY_SKIPPED_HOSTS="no", ANSIBLE_FORCE_COLOR="0")
    words = playbooks.command(environments.ansible(), home, ROOT / "playbooks" / "install.yml")
    done = subprocess.run(words, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise SandboxError("install.yml ended with %d:\n%s%s" % (done.returncode, done.stdout, done.stderr))
    text = re.sub(r"%s/hosts/paas\d" % re.escape(str(home.path)), "", done.stdout).replace(str(home.path), "").replace(str(ROOT), ".")
    return HEAD + re.sub(r"\*{3,}", "****", "\n".join(line.rstrip() for line in text.splitlines())).strip() + "\n"


def browser():
    """The words that start a browser, None when there is none."""
    found = os.environ.get("DING_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
    return [found, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"] if found else None


def picture(words, url, name, width, height):
    with tempfile.TemporaryDirectory(prefix="ding-browser-") as profile:
        IMAGES.mkdir(parents=True, exist_ok=True)
        subprocess.run([*words, "--user-data-dir=" + profile, "--virtual-time-budget=%d" % PAGE_TIME, "--window-size=%d,%d" % (width, height),
                        "--screenshot=%s" % (IMAGES / name), url], check=True, timeout=120, stdin=subprocess.DEVNULL, capture_output=True)
    print(IMAGES.relative_to(ROOT) / name)


def take(words, sandbox):
    """The demo's conversation, then the messages of the guide to formats."""
    url = sandbox.state["urls"]["dingtalk"] + "/"
    # The page opens the conversation of the newest message: the group's.
    for name in (receivers.PERSON, receivers.ROBOT):
        trying.send(sandbox, name, "Disk almost full on db-1", "/data is at 93 % (checked at 10:02:11)")
    picture(words, url, "demo.png", 1000, 420)
    for content in _BLOCK.findall(FORMATS.read_text("utf-8")):
        for msg_key in ("text", "markdown"):
            trying.send(sandbox, receivers.ROBOT, "Alarm", content.rstrip("\n"), msg_key)
    picture(words, url, "formats.png", 1000, 1010)


def main(arguments):
    words = None if arguments == ["--text"] else browser()
    with tempfile.TemporaryDirectory(prefix="ding-docs-") as place:
        home = paths.Home(Path(place) / "sandbox")
        sandbox = Sandbox(home)
        os.environ["DING_SANDBOX_HOME"] = str(home.path)
        try:
            sandbox.up({"hosts": 2, "channel": False})
            RECORDING.write_text(record(home), "utf-8")
            print(RECORDING.relative_to(ROOT))
            if words:
                # Read anew: the playbook has restarted the hosts.
                take(words, Sandbox(home))
            elif arguments != ["--text"]:
                print("The pictures stay as they are: there is no browser here (chromium, or DING_BROWSER).")
        finally:
            Sandbox(home).down()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
