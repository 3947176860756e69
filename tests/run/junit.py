"""Counts from pytest's JUnit XML."""

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)


def read(path):
    """Counts and the skipped tests' (name, reason) of one file; None when pytest did not get as far as writing it."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError):
        return None, []
    failed = skipped = passed = 0
    reasons = []
    for case in root.iter("testcase"):
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif skip is not None:
            skipped += 1
            reasons.append((case.get("name"), skip.get("message") or "no reason given"))
        else:
            passed += 1
    return Counts(passed, failed, skipped), reasons
