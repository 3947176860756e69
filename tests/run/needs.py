"""What the jobs need and this machine lacks; `python3 -m tests.run.needs` says it, with nothing but the standard library."""

import os
import sys

from sandbox import environments
from sandbox.errors import SandboxError

# Whether the rarer stories are told as well: further ones of a kind that others tell, every fault of a cluster's hosts.
WHOLE = os.environ.get("DING_WHOLE") == "1"


def absent(jobs):
    """The Pythons that these jobs need and that are not here."""
    return environments.missing(sorted({python for job in jobs for python in job.needs}))


def lacking(jobs):
    """{name of a job that cannot run here: the reason}."""
    gone, found = set(absent(jobs)), {}
    for job in jobs:
        pythons = [python for python in job.needs if python in gone]
        reasons = ["no Python %s here (name one in %s)" % (python, environments.variable(python)) for python in pythons]
        other = job.lacks() if job.lacks else ""
        if reasons or other:
            found[job.name] = "; ".join([*reasons, *([other] if other else [])])
    return found


def told(found):
    """The reasons, each once, with the jobs that it stops."""
    jobs = {}
    for name, reason in found.items():
        for each in reason.split("; "):
            jobs.setdefault(each, []).append(name)
    return "\n".join("  %s: needed by %s" % (reason, ", ".join(names)) for reason, names in sorted(jobs.items()))


def main():
    from tests.run.stages import all_jobs
    try:
        found = lacking(all_jobs())
    except SandboxError as error:
        print(error)
        return 1
    if found:
        print("Not on this machine:\n%s\nmake interpreters builds Pythons where it can." % told(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
