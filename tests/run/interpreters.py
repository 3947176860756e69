"""`make interpreters`: builds the Pythons that the tests need and this machine lacks, by pyenv; where it cannot, says exactly what to do.

pyenv takes the source of a Python from the folder PYTHON_BUILD_CACHE_PATH when its archive lies there, else it downloads it.
"""

import os
import shutil
import subprocess
import sys

from sandbox import environments
from sandbox.errors import SandboxError
from tests.run import needs

# What is built; any other patch of the same Python that is here already is as good.
PATCHES = {"2.7": "2.7.18", "3.6": "3.6.15", "3.9": "3.9.18", "3.11": "3.11.7", "3.13": "3.13.0"}
HEADERS = ("build-essential", "libssl-dev", "zlib1g-dev", "libbz2-dev", "libreadline-dev", "libsqlite3-dev", "libffi-dev", "liblzma-dev", "xz-utils")
SECONDS = 1800
ADVICE = """\
To have them all the same, do one of these for each, and run make interpreters again:
  - name an interpreter of that version that is somewhere on this machine: {variables}
  - give pyenv its source: put {archives} (from python.org/ftp/python/VERSION/) into a
    folder, and name that folder in PYTHON_BUILD_CACHE_PATH; or name a mirror in PYTHON_BUILD_MIRROR_URL
  - where only the build failed: install what it needs, on Debian apt-get install {headers}"""


def build(python):
    """Builds one Python by pyenv; returns why that failed, or ""."""
    if not shutil.which("pyenv"):
        return "there is no pyenv on PATH (its own page, github.com/pyenv/pyenv, says how to install it)"
    try:
        done = subprocess.run(["pyenv", "install", "--skip-existing", PATCHES[python]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return "pyenv install %s did not end within %d s" % (PATCHES[python], SECONDS)
    if done.returncode:
        return "pyenv install %s ended with %d: %s" % (PATCHES[python], done.returncode, " / ".join(done.stdout.split("\n")[-6:]).strip(" /"))
    return "" if environments.interpreter(python) else "pyenv has built %s, and yet it does not run" % PATCHES[python]


def advice(failed):
    return ADVICE.format(variables=", ".join("%s=/path/to/python%s" % (environments.variable(python), python) for python in failed),
                         archives=", ".join("Python-%s.tar.xz" % PATCHES[python] for python in failed), headers=" ".join(HEADERS))


def main():
    from tests.run.stages import all_jobs
    os.chdir(environments.paths.ROOT)
    try:
        absent = needs.absent(all_jobs())
    except SandboxError as error:
        print(error)
        return 1
    if not absent:
        print("Every Python that the tests need is here.")
        return 0
    failed = []
    for python in absent:
        print("building Python %s …" % PATCHES[python], flush=True)
        problem = build(python)
        print("Python %s: %s" % (python, problem or "is here now"), flush=True)
        failed += [python] if problem else []
    if failed:
        print(advice(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
