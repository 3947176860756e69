"""The documentation as the tests read it: pages, headings, blocks, links, tables."""

import re
from dataclasses import dataclass

from sandbox import paths
from tests.run import static

ROOT = paths.ROOT
_FENCE = re.compile(r"^```(\S*)(?: (\S+))?\n(.*?)^```$", re.S | re.M)
_INLINE_CODE = re.compile(r"``.*?``|`[^`\n]*`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the word behind it, and its text."""

    page: str
    language: str
    word: str
    text: str


def pages(*patterns):
    """Names of tracked pages, relative to the root."""
    return static.tracked(*(patterns or ("*.md",)))


def read(page):
    return (ROOT / page).read_text("utf-8")


def blocks(page):
    return [Block(page, *(group or "" for group in found.groups())) for found in _FENCE.finditer(read(page))]


def prose(page):
    """A page without its blocks and without code in lines."""
    return _INLINE_CODE.sub("CODE", _FENCE.sub("", read(page)))


def headings(page):
    return re.findall(r"^(#+) (.+)$", _FENCE.sub("", read(page)), re.M)


def anchors(page):
    """As GitHub makes them: lower case, no punctuation, dashes for blanks."""
    return {re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", title).strip().lower()).replace(" ", "-") for _, title in headings(page)}


def links(page):
    return _LINK.findall(_FENCE.sub("", read(page)))


def tables(page):
    """For each table, (rows, columns)."""
    found, rows = [], []
    for line in [*_FENCE.sub("", read(page)).splitlines(), ""]:
        if line.startswith("|"):
            rows.append(len(re.findall(r"(?<!\\)\|", line)) - 1)
        elif rows:
            found.append((len(rows), max(rows)))
            rows = []
    return found


def list_items(page):
    return len(re.findall(r"^(?: *[-*]|\d+\.) |^\*\*\d\.", _FENCE.sub("", read(page)), re.M))


def commands(block):
    """The commands of a block, without comments; each is one line."""
    lines = (re.sub(r"\s+#.*$", "", line).strip() for line in block.text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]
