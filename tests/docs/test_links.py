"""Every link of the documentation leads somewhere: files, their headings, and nothing that has to be looked up on a network."""

import re

import docskit
import pytest

OUTSIDE = re.compile(r"^https?://")
# Rendered pages that others link to by what antsibull-docs makes of an option.
_RST_LINK = re.compile(r"`[^`<]*<([^>]+)>`__?")


@pytest.mark.parametrize("page", docskit.pages("*.md"))
def test_links_of_a_page_lead_to_files_and_headings(page):
    folder, wrong = (docskit.ROOT / page).parent, []
    for link in docskit.links(page):
        if OUTSIDE.match(link):
            continue
        name, _, anchor = link.partition("#")
        target = (folder / name).resolve() if name else docskit.ROOT / page
        there = target.is_file() and docskit.ROOT in target.parents
        if not there or anchor and anchor not in docskit.anchors(target.relative_to(docskit.ROOT)):
            wrong.append(link)
    assert wrong == []


@pytest.mark.parametrize("page", docskit.pages("docs/reference/*.rst"))
def test_links_of_the_reference_lead_to_files_and_options(page):
    wrong = []
    for link in _RST_LINK.findall(docskit.read(page)):
        name, _, anchor = link.partition("#")
        target = (docskit.ROOT / page).parent / name if name else docskit.ROOT / page
        if not OUTSIDE.match(link) and (not target.is_file() or anchor and 'id="%s"' % anchor not in target.read_text("utf-8")):
            wrong.append(link)
    assert wrong == []


def test_every_guide_can_be_reached_from_its_index():
    for language in ("en", "zh"):
        index = docskit.links("docs/%s/README.md" % language)
        names = [page.rpartition("/")[2] for page in docskit.pages("docs/%s/*.md" % language)]
        assert [name for name in names if name not in index and name != "README.md"] == []


def test_every_picture_is_shown_somewhere():
    shown = {link.rpartition("/")[2] for page in docskit.pages("*.md") for link in docskit.links(page)}
    assert [name for name in docskit.pages("docs/images/*") if name.rpartition("/")[2] not in shown] == []
