"""Makes docs/reference/ (modules, plugins and roles) and CHANGELOG.rst, by antsibull's tools in their own environment.

    python -m scripts.references           writes both
    python -m scripts.references --check   says which files it would write or remove, and ends with 1 when there are any

What antsibull-docs says about installing from a server is replaced: the README says how this collection comes to a control host.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from sandbox import paths, processes
from sandbox.errors import SandboxError
from tests.run import ansible_envs

ROOT = paths.ROOT
FOLDER = ROOT / "docs" / "reference"
CHANGES = ("CHANGELOG.rst", "changelogs/changelog.yaml")
_LINK = re.compile(r"`ding\.blueking collection <[^>]*>`_")
_INSTALL = re.compile(r"It is not included in ``ansible-core``\.\n.*?(?=^To use it|\Z)", re.S | re.M)
_BLANKS = re.compile(r"\n{4,}")


def reference(programs):
    """{name: text} of every page of the reference."""
    with tempfile.TemporaryDirectory(prefix="ding-reference-") as place:
        target = Path(place) / "reference"
        target.mkdir()
        _run([programs / "antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--output-format", "simplified-rst",
              "--fail-on-error", "--no-add-antsibull-docs-version", "--dest-dir", target, "ding.blueking"], ROOT, place, programs)
        return {path.name: _ours(path.read_text("utf-8")) for path in sorted(target.glob("*.rst"))}


def changelog(programs):
    """{path below the root: text} of the changelog, from the fragments and for the version of galaxy.yml."""
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text("utf-8"))["version"]
    with tempfile.TemporaryDirectory(prefix="ding-changelog-") as place:
        copy = Path(place) / "ansible_collections" / "ding" / "blueking"
        for name in ("changelogs", "plugins", "roles", "playbooks", "meta"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", ".plugin-cache.yaml"))
        shutil.copy2(ROOT / "galaxy.yml", copy)
        # Made anew, a release keeps its day.
        day = ["--date", _day(copy, version)] if _day(copy, version) else []
        _run([programs / "antsibull-changelog", "release", "--version", version, *day, "--update-existing"], copy, place, programs)
        return {name: (copy / name).read_text("utf-8").rstrip() + "\n" for name in CHANGES}


def _day(copy, version):
    path = copy / "changelogs" / "changelog.yaml"
    releases = (yaml.safe_load(path.read_text("utf-8")).get("releases") or {}) if path.is_file() else {}
    return str(releases.get(version, {}).get("release_date", ""))


def _run(words, folder, home, programs):
    variables = processes.clean_environment(HOME=home, ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"), ANSIBLE_HOME=home,
                                            PATH=os.pathsep.join([str(programs), "/usr/local/bin", "/usr/bin", "/bin"]))
    done = subprocess.run([str(word) for word in words], cwd=folder, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise SandboxError("%s ended with %d:\n%s%s" % (Path(words[0]).name, done.returncode, done.stdout, done.stderr))


def _ours(text):
    text = _LINK.sub("collection ding.blueking", text)
    text = _INSTALL.sub("How the collection is installed is told in the `README <../../README.md>`_.\n\n", text)
    return _BLANKS.sub("\n\n\n", "\n".join(line.rstrip() for line in text.splitlines())) + "\n"


def made():
    """{path: text} of every file that is made, as it should be."""
    programs = ansible_envs.docs(lambda text: print(text, file=sys.stderr))
    files = {FOLDER / name: text for name, text in reference(programs).items()}
    files.update({ROOT / name: text for name, text in changelog(programs).items()})
    return files


def stale():
    """[(path, its text or None when it is to go)]"""
    files = made()
    found = [(path, text) for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]
    return found + [(path, None) for path in sorted(FOLDER.glob("*")) if path not in files]


def main(words):
    found = stale()
    for path, text in found:
        print("%s%s" % (path.relative_to(ROOT), "" if text is not None else " (to be removed)"))
        if words == ["--check"]:
            continue
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    return 1 if found and words == ["--check"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
