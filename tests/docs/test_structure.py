"""The English and the Chinese pages say the same: the same pages, headings, blocks, tables, lists and links."""

import docskit
import pytest
import yaml

PAIRS = [("README.md", "README.zh-CN.md")] + [("docs/en/" + page.rpartition("/")[2], "docs/zh/" + page.rpartition("/")[2])
                                              for page in docskit.pages("docs/en/*.md")]


def same_place(link):
    """Where a link leads, whatever the language."""
    return link.partition("#")[0].replace(".zh-CN", "").replace("docs/zh/", "docs/en/").replace(".zh.svg", ".en.svg").replace("../zh/", "../en/")


def test_both_languages_have_the_same_pages():
    names = [sorted(page.rpartition("/")[2] for page in docskit.pages("docs/%s/*.md" % language)) for language in ("en", "zh")]
    assert names[0] == names[1] and names[0]


@pytest.mark.parametrize(("en", "zh"), PAIRS)
def test_headings_have_the_same_levels(en, zh):
    assert [level for level, _ in docskit.headings(en)] == [level for level, _ in docskit.headings(zh)]


@pytest.mark.parametrize(("en", "zh"), PAIRS)
def test_commands_are_the_same(en, zh):
    found = [[docskit.commands(block) for block in docskit.blocks(page) if block.language == "sh"] for page in (en, zh)]
    assert found[0] == found[1]


@pytest.mark.parametrize(("en", "zh"), PAIRS)
def test_data_has_the_same_keys(en, zh):
    found = [[keys(yaml.safe_load(block.text)) for block in docskit.blocks(page) if block.language in ("yaml", "json")] for page in (en, zh)]
    assert found[0] == found[1]


@pytest.mark.parametrize(("en", "zh"), PAIRS)
def test_examples_of_messages_are_the_same(en, zh):
    found = [[block.text for block in docskit.blocks(page) if block.word] for page in (en, zh)]
    assert found[0] == found[1]


@pytest.mark.parametrize(("en", "zh"), PAIRS)
def test_tables_and_lists_have_the_same_shape(en, zh):
    assert docskit.tables(en) == docskit.tables(zh)
    assert docskit.list_items(en) == docskit.list_items(zh)


@pytest.mark.parametrize(("en", "zh"), PAIRS)
def test_links_lead_to_the_same_places(en, zh):
    found = [sorted({same_place(link) for link in docskit.links(page)}) for page in (en, zh)]
    # The first link leads to the other language.
    other = {same_place(docskit.links(en)[0]), same_place(docskit.links(zh)[0])}
    assert [link for link in found[0] if link not in other] == [link for link in found[1] if link not in other]


def keys(value):
    if isinstance(value, dict):
        return {name: keys(each) for name, each in value.items()}
    return [keys(each) for each in value] if isinstance(value, list) else None
