"""Static checks: ruff, yamllint, byte-compiling with every Python, and what must not stand in a tracked file."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from sandbox import environments, paths
from tests.run import ansible_envs
from tests.run.jobs import Failed

# Code in the dialect of 2.7 and 3: it runs on hosts.
OLD_DIALECT = ("files/components", "sandbox/esb", "sandbox/bench_components", "tests/components", "tests/unit", "plugins")
OLD_DIALECT_FILES = ("tests/real/in_esb.py", "tests/real/ding_contract_wsgi.py")
COMPILE = """
from __future__ import print_function
import io, sys
bad = 0
for name in sys.stdin.read().split():
    with io.open(name, "rb") as handle:
        source = handle.read()
    try:
        compile(source, name, "exec")
    except (SyntaxError, ValueError) as error:
        bad += 1
        print("%s: %s" % (name, error))
sys.exit(1 if bad else 0)
"""
_HOSTS = r"pypi\.org|pythonhosted\.org|deb\.debian\.org|registry\.npmjs|registry\.npmmirror|mirrors\.(?:aliyun|cloud)"
# Written in two parts, or this file would find itself.
_OPEN = r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b"


def tracked(*patterns):
    """Tracked files that are there; outside a git checkout, every file that is not made by a build."""
    listed = subprocess.run(["git", "ls-files", "-z", "--", *patterns], cwd=paths.ROOT, capture_output=True, text=True)
    if listed.returncode:
        raise Failed("git cannot list the tracked files: %s" % listed.stderr.strip())
    return [name for name in listed.stdout.split("\0") if name and (paths.ROOT / name).is_file()]


def clone(folder):
    """Copies what a fresh clone has: the tracked files, and the link by which Ansible finds the collection."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=paths.ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (paths.ROOT / name).is_file() or (paths.ROOT / name).is_symlink():
            target = Path(folder) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(paths.ROOT / name, target, follow_symlinks=False)


def tools(run):
    for tool, words in (("ruff", ["-m", "ruff", "check", "--quiet", "--output-format", "concise", "."]),
                        ("yamllint", ["-m", "yamllint", "--strict", *tracked("*.yml", "*.yaml", ".yamllint", ".ansible-lint", "inventory.example")])):
        code = run.command([paths.VENV / "bin" / "python", *words])
        run.check(tool, "ended with %d" % code if code else "")


def ansible_lint(run):
    """In a clone, so that nothing of a working copy's own is looked at and nothing is left in it; offline, with an empty home."""
    programs = ansible_envs.lint(run.say)
    with tempfile.TemporaryDirectory(prefix="ding-lint-") as place:
        clone(Path(place) / "clone")
        (Path(place) / "home").mkdir()
        path = os.pathsep.join([str(programs), "/usr/local/bin", "/usr/bin", "/bin"])
        code = run.command([programs / "ansible-lint", "--offline", "--nocolor", "-q", "-f", "pep8"], cwd=Path(place) / "clone",
                           HOME=Path(place) / "home", PATH=path, ANSIBLE_COLLECTIONS_PATH=Path(place) / "clone" / "collections")
        run.check("ansible-lint", "ended with %d" % code if code else "")


def compile_all(python):
    """A job's function: byte-compiles the code in the old dialect with one Python."""
    def run(job):
        names = tracked(*["%s/*.py" % folder for folder in OLD_DIALECT], *OLD_DIALECT_FILES)
        done = subprocess.run([environments.interpreter(python), "-B", "-c", COMPILE], input="\n".join(names), cwd=paths.ROOT,
                              capture_output=True, text=True)
        job.say(done.stdout + done.stderr)
        job.check("%d files compile with Python %s" % (len(names), python), "ended with %d" % done.returncode if done.returncode else "")
    return run


def documentation(run):
    """antsibull-docs lint of plugins and roles, offline, in a copy that lies where a collection does."""
    programs = ansible_envs.docs(run.say)
    with tempfile.TemporaryDirectory(prefix="ding-docs-") as place:
        (Path(place) / "home").mkdir()
        collection = _collection(place)
        path = os.pathsep.join([str(programs), "/usr/local/bin", "/usr/bin", "/bin"])
        for name, words in (("antsibull-docs lint", ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "dependent",
                                                     "--disallow-unknown-collection-refs", "."]),
                            ("changelog fragments", ["antsibull-changelog", "lint"])):
            code = run.command([programs / words[0], *words[1:]], cwd=collection, HOME=Path(place) / "home", PATH=path,
                               ANSIBLE_COLLECTIONS_PATH=place, ANSIBLE_CONFIG="")
            run.check(name, "ended with %d" % code if code else "")


def _collection(place):
    """A clone at ansible_collections/ding/blueking."""
    folder = Path(place) / "ansible_collections" / "ding" / "blueking"
    clone(folder)
    # The link by which Ansible finds the collection from a clone would be a second one.
    shutil.rmtree(folder / "collections", ignore_errors=True)
    return folder


def forbidden_texts():
    """(what, compiled pattern): what no tracked file may hold."""
    own = {str(paths.ROOT), str(paths.ROOT.parent), str(Path.home() / ".pyenv")}
    own -= {os.sep, "/tmp", "/home", "/root", str(Path.home())}
    places = "|".join(sorted(re.escape(path) + r"(?=[/\s\"'])" for path in own))
    return (("a registry's host", re.compile(_HOSTS)),
            ("a path of somebody's machine", re.compile(r"/home/(?!runner)[a-z]\w*/|/Users/\w+/|" + places)),
            ("a note of something left open", re.compile(_OPEN)))


def texts(run):
    names = tracked()
    for what, pattern in forbidden_texts():
        found = []
        for name in names:
            try:
                lines = (paths.ROOT / name).read_text("utf-8").splitlines()
            except UnicodeDecodeError:
                continue
            found += ["%s:%d" % (name, number) for number, line in enumerate(lines, 1) if pattern.search(line)]
        run.check("no file holds %s" % what, ", ".join(found))
