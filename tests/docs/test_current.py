"""What is made from the source is as the source is now: references, changelog, drawings, the recording, the definition for ansible-builder."""

import re
import subprocess
from xml.etree import ElementTree

import docskit
import pytest
import yaml

from scripts import draw_diagrams, references
from tests.run import ansible_envs, static


def test_reference_and_changelog_are_current():
    assert [str(path.relative_to(docskit.ROOT)) for path, _ in references.stale()] == []


def test_changelog_fragments_are_right():
    program = ansible_envs.docs() / "antsibull-changelog"
    done = subprocess.run([program, "lint"], cwd=docskit.ROOT / "collections/ansible_collections/ding/blueking", capture_output=True, text=True)
    assert done.stdout + done.stderr == "" and done.returncode == 0


def test_every_module_plugin_and_role_has_a_page():
    pages = {page.rpartition("/")[2] for page in docskit.pages("docs/reference/*.rst")}
    wanted = {"%s_module.rst" % name.rpartition("/")[2][:-3] for name in static.tracked("plugins/modules/*.py")}
    wanted |= {"%s_role.rst" % name.split("/")[1] for name in static.tracked("roles/*/tasks/*.yml")}
    assert sorted(wanted - pages) == []


@pytest.mark.parametrize("path", sorted(draw_diagrams.made()), ids=lambda path: path.name)
def test_a_drawing_is_current_well_formed_and_readable_in_light_and_dark(path):
    text = draw_diagrams.made()[path]
    assert path.read_text("utf-8") == text
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert "prefers-color-scheme: dark" in text and 'class="page"' in text


@pytest.mark.parametrize("path", sorted(draw_diagrams.made()), ids=lambda path: path.name)
def test_no_line_of_a_drawing_leaves_its_box(path):
    """By a cautious width of letters: 0.56 of the size, and 1 for Chinese ones."""
    root, wrong = ElementTree.fromstring(path.read_text("utf-8")), []
    space = "{http://www.w3.org/2000/svg}"
    boxes = [tuple(float(each.get(name)) for name in ("x", "y", "width", "height")) for each in root.iter(space + "rect") if each.get("x")]
    for text in root.iter(space + "text"):
        x, y, size = float(text.get("x")), float(text.get("y")), {"title": 15, "line": 12.5, "label": 12}[text.get("class")]
        width = sum(size if ord(letter) > 0x2e80 else size * 0.56 for letter in text.text)
        around = [box for box in boxes if box[0] < x < box[0] + box[2] and box[1] < y < box[1] + box[3]]
        if around and x + width > min(box[0] + box[2] for box in around) + 4:
            wrong.append(text.text)
    assert wrong == []


def test_the_recording_shows_tasks_that_there_are():
    names = {task for name in static.tracked("roles/*/tasks/*.yml", "playbooks/*.yml") for task in re.findall(r"- name: (.+)", docskit.read(name))}
    shown = re.findall(r"^TASK \[(?:ding\.blueking\.\w+ : )?(.+?)\]", docskit.read("docs/install.txt"), re.M)
    assert len(shown) > 20
    assert [name for name in shown if name not in names and not name.startswith("Validating arguments")] == []


def test_the_recording_ends_well_and_shows_no_path_of_a_machine():
    text = docskit.read("docs/install.txt")
    assert re.findall(r"^paas\d .*failed=0", text, re.M) and "/tmp/" not in text and str(docskit.ROOT) not in text


def test_the_definition_of_the_execution_environment_has_what_ansible_builder_wants():
    definition = yaml.safe_load(docskit.read("docs/execution-environment.yml"))
    assert definition["version"] == 3
    assert sorted(definition) == ["additional_build_files", "additional_build_steps", "dependencies", "images", "options", "version"]
    assert definition["dependencies"]["ansible_core"]["package_pip"].startswith("ansible-core==2.16")
    version = yaml.safe_load(docskit.read("galaxy.yml"))["version"]
    artefact, = definition["additional_build_files"]
    assert artefact["src"] == "ding-blueking-%s.tar.gz" % version
    # Only what is named there comes into the build's context.
    assert definition["dependencies"]["galaxy"]["collections"] == [{"name": "%(dest)s/%(src)s" % artefact, "type": "file"}]


def test_all_places_have_one_version():
    version = yaml.safe_load(docskit.read("galaxy.yml"))["version"]
    assert '__version__ = "%s"' % version in docskit.read("files/components/ding_blueking/toolkit/version.py")
    assert "ding_version: %s\n" % version in docskit.read("roles/common/vars/main.yml")
    assert list(yaml.safe_load(docskit.read("changelogs/changelog.yaml"))["releases"])[-1] == version
    assert version in docskit.read("README.md") and version in docskit.read("requirements.yml")
