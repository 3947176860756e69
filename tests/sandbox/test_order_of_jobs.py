"""What `make test` runs, and in which order: nothing is left out, nothing waits for what is not there."""

import threading
import time
from pathlib import Path

import pytest

from sandbox import paths
from tests.run import interpreters, jobs, needs, stages
from tests.run.jobs import Job
from tests.run.main import _choose, _Pool, in_order

JOBS = stages.all_jobs()


def job(name, **more):
    return Job(name, "a stage", lambda run: run.check("it ran", ""), **more)


def names(found):
    return [each.name for each in found]


def test_every_name_that_a_job_waits_for_is_a_job():
    assert {name for each in JOBS for name in each.after} <= set(names(JOBS))
    assert len(set(names(JOBS))) == len(JOBS)


def test_the_longest_chain_begins_first_and_who_wants_to_be_alone_comes_last():
    todo = [job("short", seconds=10), job("alone", seconds=900, alone=True), job("long", seconds=100), job("image", seconds=5),
            job("on the image", seconds=200, after=("image",))]
    assert names(in_order(todo)) == ["image", "on the image", "long", "short", "alone"]


def test_a_job_starts_when_all_that_it_waits_for_has_ended_and_an_absent_one_is_not_waited_for(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(jobs, "RESULTS", tmp_path)
    todo = [job("second", after=("first", "not chosen"), seconds=500), job("first"), job("third", after=("second",))]
    outcomes = _Pool(todo, [], 2).run()
    assert [outcome.job.name for outcome in outcomes] == ["first", "second", "third"]
    assert [outcome.counts.failed for outcome in outcomes] == [0, 0, 0]
    assert capsys.readouterr().out.count("1 passed, 0 failed") == 3


def test_jobs_that_mostly_wait_share_a_core_and_those_that_work_do_not(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(jobs, "RESULTS", tmp_path)
    running, seen, guard = [], [], threading.Lock()

    def work(run):
        with guard:
            running.append(run.job)
            seen.append(list(running))
        time.sleep(0.2)
        run.check("it ran", "")
        with guard:
            running.remove(run.job)

    todo = [Job("works %d" % number, "a stage", work) for number in range(2)] + [Job("waits %d" % number, "a stage", work, load=0.5) for number in range(4)]
    assert len(_Pool(todo, [], 2).run()) == 6
    assert max(sum(each.load for each in together) for together in seen) == 2 and max(map(len, seen)) > 2, seen


@pytest.mark.parametrize("stage", stages.HALVES)
def test_the_two_halves_of_the_oldest_pair_run_every_file_of_tests(stage):
    halves = stages.HALVES[stage]
    first, second = (stages._files(stage, halves, half) for half in halves["names"])
    files = {"tests/%s/%s" % (stage, path.name) for path in Path(paths.ROOT, "tests", stage).glob("test_*.py")}
    ignored = {word.removeprefix("--ignore=") for word in second if word.startswith("--ignore=")}
    assert set(first) <= files and ignored <= set(first) and second[0] == "tests/%s/" % stage


def test_a_stage_a_job_and_the_beginning_of_a_jobs_name_choose():
    assert {each.stage for each in _choose(JOBS, ["modules"])} == {"modules"}
    assert names(_choose(JOBS, ["contract-py27"])) == ["contract py27"]
    assert len(_choose(JOBS, ["playbooks-2.16-2.7"])) == 2
    with pytest.raises(SystemExit, match="no stage 'contract-py2'"):
        _choose(JOBS, ["contract-py2"])


def test_what_is_missing_is_named_with_the_jobs_that_need_it(monkeypatch):
    monkeypatch.setattr(needs.environments, "missing", lambda pythons: [python for python in pythons if python == "2.7"])
    found = needs.lacking([job("old", needs=("2.7", "3.11")), job("new", needs=("3.11",)), job("hosts", lacks=lambda: "no podman")])
    assert found == {"old": "no Python 2.7 here (name one in DING_PYTHON27)", "hosts": "no podman"}
    assert needs.told(found) == "  no Python 2.7 here (name one in DING_PYTHON27): needed by old\n  no podman: needed by hosts"


def test_every_python_that_a_job_needs_can_be_built():
    assert {python for each in JOBS for python in each.needs} <= set(interpreters.PATCHES)
    assert all(patch.startswith(python + ".") for python, patch in interpreters.PATCHES.items())
