"""The end of a test run's output: of a long log a machine may keep no more, so what failed stands there by its name."""

import sys

import pytest

from tests.run import ansible_test, jobs, junit, main
from tests.run.jobs import Job

TESTS = """
import pytest

@pytest.fixture
def torn():
    yield
    raise OSError("not torn down")

@pytest.mark.parametrize("text", ["a", "b"])
def test_wrong(text):
    assert text == "a", "\\n  told in a second line of %s\\n%s" % (text, "x" * 4000)

def test_teardown(torn):
    pass

def test_both(torn):
    assert False, "failed, and its teardown, too"

@pytest.mark.skip(reason="it is Friday")
def test_skipped():
    pass

def test_fine():
    pass
"""


@pytest.fixture
def outcomes(tmp_path, monkeypatch):
    """Of one job for each way to fail."""
    monkeypatch.setattr(jobs, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(main, "all_jobs", lambda: todo)
    (tmp_path / "test_given.py").write_text(TESTS, "utf-8")

    def raising(job):
        job.check("the first step", "")
        raise jobs.Failed("the second step did not end within 3 s\nand more")

    todo = [Job("tests", "a stage", lambda job: job.pytest(sys.executable, "--rootdir", tmp_path, tmp_path / "test_given.py")),
            Job("checks", "a stage", lambda job: [job.check("this", ""), job.check("that", "ended with 2")]),
            Job("raising", "a stage", raising), Job("fine", "a stage", lambda job: job.check("this", ""))]
    return [jobs.execute(job, jobs.Run(job, [])) for job in todo]


def test_what_failed_stands_at_the_end_by_its_name(outcomes, capsys):
    assert main._report(outcomes, {}, False, 1.0) == 1
    end = capsys.readouterr().out.split("\nFailed:\n")[1].splitlines()
    assert [line.split(": ")[:2] for line in end[:4]] == [
        ["  tests", "test_given::test_wrong[b]"], ["  tests", "test_given::test_teardown"], ["  tests", "test_given::test_both"],
        ["  tests", "test_given::test_both"]]
    assert "told in a second line of b" in end[0] and max(map(len, end)) < 300
    assert end[4:] == ["  checks: that: ended with 2", "  raising: the second step did not end within 3 s and more", "", "5 passed, 6 failed, 1 skipped"]


def test_a_green_run_names_nothing(outcomes, capsys):
    assert main._report(outcomes[3:], {}, True, 1.0) == 0
    assert "Failed:" not in capsys.readouterr().out


def test_of_very_many_failures_the_first_are_named(outcomes, capsys):
    outcomes[1].failed_tests = ["test %d: wrong" % number for number in range(50)]
    main._report(outcomes, {}, False, 1.0)
    lines = capsys.readouterr().out.split("\nFailed:\n")[1].splitlines()
    assert len(lines) == main.SHOWN_FAILED + 3 and lines[main.SHOWN_FAILED] == "  and 35 more"


def test_a_report_that_was_not_written_is_told_from_an_empty_one(tmp_path):
    assert junit.read(tmp_path / "none.xml") is None
    (tmp_path / "half.xml").write_text("<testsuites><testsuite", "utf-8")
    assert junit.read(tmp_path / "half.xml") is None
    (tmp_path / "empty.xml").write_text("<testsuites/>", "utf-8")
    assert junit.read(tmp_path / "empty.xml") == junit.Report()


def test_of_what_ansible_test_says_the_finding_is_named_and_not_the_count():
    said = ("Running sanity test \"pylint\"\nERROR: Found 1 pylint issue(s) which need to be resolved:\n"
            "ERROR: plugins/a.py:17:0: unused-import: Unused Problem\nERROR: The 1 sanity test(s) listed below (out of 38) failed.\n")
    assert ansible_test.ERRORS.findall(said) == ["plugins/a.py:17:0: unused-import: Unused Problem"]
