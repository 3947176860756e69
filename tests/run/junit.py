"""What pytest's JUnit XML says: counts, and what was skipped or failed."""

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

SHOWN_CHARACTERS = 200


@dataclass(frozen=True)
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)


@dataclass
class Report:
    counts: Counts = Counts()
    # "test: reason", a line each.
    skipped: list = field(default_factory=list)
    failed: list = field(default_factory=list)


def read(path):
    """The Report of one file; None when pytest did not get as far as writing it."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError):
        return None
    report = Report()
    for case in root.iter("testcase"):
        skip = case.find("skipped")
        wrong = case.find("failure")
        if wrong is None:
            wrong = case.find("error")
        if wrong is not None:
            report.failed.append("%s::%s: %s" % (case.get("classname"), case.get("name"), short(wrong.get("message"))))
        elif skip is not None:
            report.skipped.append("%s: %s" % (case.get("name"), skip.get("message") or "no reason given"))
        else:
            report.counts += Counts(1, 0, 0)
    report.counts += Counts(0, len(report.failed), len(report.skipped))
    return report


def short(text):
    """A text's beginning, as far as a line of the report has room."""
    line = " ".join((text or "no message").split())
    return line if len(line) <= SHOWN_CHARACTERS else line[:SHOWN_CHARACTERS - 1] + "…"
