"""The storm tests as a job: in a shortened form, with their figures beside the job's counts."""

import re

from sandbox import environments, paths

SECONDS = 1200
FIGURES = re.compile(r"^storm: .+$", re.M)


def shortened(job):
    """Two hosts on Python 2.7, some hundred messages; `make storm` runs the storms of their full size."""
    environments.redis_server(job.say)
    figures = job.folder / "figures.txt"
    try:
        job.pytest(paths.VENV / "bin" / "python", "tests/storm", seconds=SECONDS, DING_STORM_FIGURES=figures, DING_STORM_LOGS=job.folder / "logs")
    finally:
        for line in FIGURES.findall(figures.read_text("utf-8")) if figures.exists() else []:
            job.say(line)
            job.note("\n        " + line)
