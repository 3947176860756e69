"""A platform of two hosts with several workers each and a Redis, for the tests of alarm storms.

--whole: the storms of their full size, as `make storm` runs them. Figures are printed, and added to DING_STORM_FIGURES.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from sandbox import environments, paths, processes  # noqa: E402
from stormkit.platform import Platform  # noqa: E402
from stormkit.redis import Redis, binary  # noqa: E402

WORKERS = 3


def pytest_addoption(parser):
    parser.addoption("--whole", action="store_true", help="the storms of their full size")
    parser.addoption("--esb", default="2.7", help="the ESB's Python")


@pytest.fixture(scope="session")
def whole(request):
    return request.config.getoption("--whole")


@pytest.fixture(scope="session")
def platform(request):
    environments.redis_server()
    assert binary(), "no redis-server"
    redis = Redis()
    redis.start()
    home = paths.Home(pathlib.Path(tempfile.mkdtemp(prefix="ding-storm-")))
    variables = dict(os.environ, DING_SANDBOX_HOME=str(home.path))
    words = ["--hosts", "2", "--workers", str(WORKERS), "--python", request.config.getoption("--esb"), "--redis", redis.url]
    try:
        done = subprocess.run([sys.executable, "-m", "sandbox", "up", *words], env=variables, cwd=paths.ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        yield Platform(home, redis)
    finally:
        processes.stop(home, [])
        redis.stop()
        kept = os.environ.get("DING_STORM_LOGS")
        if kept:
            for host in ("paas1", "paas2"):
                shutil.copytree(home.host(host).logs, pathlib.Path(kept) / host, dirs_exist_ok=True)
        shutil.rmtree(home.path, ignore_errors=True)


@pytest.fixture
def say(request, capsys):
    """say(text): a figure, shown at once and kept."""
    def show(text):
        with capsys.disabled():
            print("\nstorm: %s" % text, end="", flush=True)
        if os.environ.get("DING_STORM_FIGURES"):
            with open(os.environ["DING_STORM_FIGURES"], "a", encoding="utf-8") as figures:
                figures.write("storm: %s\n" % text)

    return show
