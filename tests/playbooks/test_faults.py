"""A fault behind each step of install.yml: hosts and rows are as before, serving; the run ends, says where and why, and leaves no lease.

The steps are those of a first install that do something on a host, or ask it something.
"""

import pytest

from playkit.site import difference

LOOK, PLAN, EACH, ONCE, LAST = ("Look at every PaaS host", "Plan, and back up", "Install, one host at a time",
                                "Register and configure, once for all hosts", "Verify")
ROWS = "Configure | See whether rows would change"
# They do nothing on a host: behind them everything is as behind the step before.
IDLE = ("include_role", "include_tasks", "add_host", "set_fact", "assert", "debug", "validate_argument_spec")


def steps(run, play, host="paas1"):
    """[(task, which time it ends well)] of one play on one host."""
    found = [(step.name, step.nth) for step in run.steps
             if (step.play, step.host, step.outcome) == (play, host, "ok") and not step.action.endswith(IDLE)]
    assert found, play
    return found


def compared(state):
    return {part: state[part] for part in ("files", "rows", "leases")}


def problems(site, run, task, before, untouched):
    """What is wrong behind a fault; `before` is what files, rows and leases have to be, `untouched` {host: pids}."""
    found = difference(compared(before), compared(site.state()))
    if run.rc in (0, None):
        found.append("the exit code is %s" % run.rc)
    found += ["%s was restarted" % name for name, pids in untouched.items() if site.pids(name) != pids]
    found += ["%s does not serve" % name for name in site.names() if not site.serves(name)]
    told = "\n".join(str(step.msg) for step in run.failures())
    found += ["the message lacks %r" % words for words in ("a fault of the tests",) if words not in told]
    return ["%s: %s" % (task, each) for each in found]


def last_words(run, task, words):
    """The message that ends the run names host, step, reason and state."""
    told = run.failures("paas1")[-1].msg
    return ["%s: the last message lacks %r: %s" % (task, each, told) for each in ('paas1 failed at "%s"' % task, "a fault of the tests", *words)
            if each not in told]


@pytest.mark.timeout(900)
def test_before_anything_is_installed(story, site, play):
    """Both plays that work on all hosts at once: nobody is touched."""
    site.virgin()
    found, pids = [], site.every_pid()
    for part in (LOOK, PLAN):
        for task, nth in steps(story.first, part):
            run = play("install", fault=(task, "paas1", nth, "fail"))
            found += problems(site, run, task, site.start, pids)
            found += last_words(run, task, ["Nothing was changed on any host"]) if part == PLAN else []
    assert found == [], "\n".join(found)


@pytest.mark.timeout(900)
def test_on_a_host(story, site, play):
    """The host goes back to its backup, and the next one is not touched."""
    found = []
    for task, nth in steps(story.first, EACH):
        site.virgin()
        pids = site.every_pid()
        run = play("install", fault=(task, "paas1", nth, "fail"))
        found += problems(site, run, task, site.start, {"paas2": pids["paas2"]})
        found += last_words(run, task, ["Not touched: paas2", "database and settings were not touched"])
        found += ["%s: paas1 still has the channel loaded" % task] if site.lists_ding("paas1") is not None else []
    assert found == [], "\n".join(found)


@pytest.fixture(scope="module")
def files_only(story, site, play):
    """Every host has the code, and nothing is registered yet."""
    site.virgin()
    run = play("install", fault=(ROWS, "paas1", 1, "fail"))
    assert run.rc != 0 and site.lists_ding("paas2") is False, run
    moment = site.moment()
    yield moment, site.state()
    moment.end()


@pytest.mark.timeout(900)
def test_on_what_the_hosts_share(story, site, play, files_only):
    """The rows go back, the message type stays off, the files stay."""
    moment, before = files_only
    assert difference(site.start["rows"], before["rows"]) == [] and before["leases"] == []
    assert difference(story.installed["files"]["paas1"], before["files"]["paas1"]) == []
    found = []
    for task, nth in steps(story.first, ONCE):
        site.back_to(moment)
        run = play("install", fault=(task, "paas1", nth, "fail"))
        if "control" in task:
            # The rows are complete by then: they stay, and so does the offer.
            now = site.state()
            found += ["%s: %s" % (task, each) for each in difference(story.installed["rows"], now["rows"]) + now["leases"] if "id" not in each]
            found += ["%s: exit code %s" % (task, run.rc)] if run.rc == 0 else []
            continue
        found += problems(site, run, task, before, moment.pids)
        found += last_words(run, task, ["rows and settings are as they were before", "The files stay"])
        found += ["%s: the type is offered" % task] if site.lists_ding("paas1") else []
    again = play("install")
    assert again.rc == 0 and site.lists_ding("paas1") is True, again
    assert found == [], "\n".join(found)


@pytest.mark.timeout(900)
def test_at_the_end(story, site, play):
    """Everything is in place by then and stays; the exit code tells."""
    found = []
    site.back_to(story.moment)
    for task, nth in steps(story.second, LAST):
        run = play("install", fault=(task, "paas1", nth, "fail"))
        found += problems(site, run, task, story.installed, story.moment.pids)
    assert found == [], "\n".join(found)
