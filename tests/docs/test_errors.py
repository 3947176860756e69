"""Every error that the source can give has an entry in the guide, and every entry an error."""

import docskit
import pytest

from scripts import error_pages


def test_every_text_of_the_source_has_an_entry_and_every_entry_a_text():
    assert error_pages.problems() == []


def test_the_pages_are_current():
    assert [path.name for path, text in error_pages.made().items() if path.read_text("utf-8") != text] == []


def test_a_new_error_would_be_seen():
    source = '"""A text of the module."""\nraise Problem("The host %s is on the moon: bring it back." % name)\nraise Other("two words")\n'
    assert error_pages.python_texts(source) == {"The host … is on the moon: bring it back."}


def test_a_new_error_of_a_role_would_be_seen():
    tasks = [{"block": [{"ansible.builtin.fail": {"msg": "{{ inventory_hostname }} is on the moon: bring it back."}}]}]
    assert error_pages.task_texts(tasks) == {"… is on the moon: bring it back."}


@pytest.mark.parametrize("language", error_pages.LANGUAGES)
def test_every_entry_says_what_to_do(language):
    entries = [entry for group in error_pages.load()["groups"] for entry in group["entries"]]
    assert len(entries) > 100
    assert [entry for entry in entries if len(entry.get(language, "")) < 6] == []


def test_every_setting_of_the_channel_is_in_the_guide():
    source = docskit.read("files/components/ding_blueking/toolkit/settings.py")
    names = [line.split('"')[1] for line in source.partition("FIELDS = {")[2].partition("}\n")[0].splitlines() if line.startswith('    "')]
    assert len(names) > 10
    for page in ("docs/en/settings.md", "docs/zh/settings.md"):
        assert [name for name in names if "| `%s` |" % name not in docskit.read(page)] == []
