"""A sandbox of the bench's own, with the two bench components beside the channel."""

import contextlib
import json
import pathlib
import shutil
import subprocess
import tempfile

from sandbox import paths
from sandbox.control import Sandbox

COMPONENTS = paths.ROOT / "sandbox" / "bench_components"
CONF = '''
# The bench's own components: answer at once, and wait.
SYSTEMS = list(globals().get("SYSTEMS", [])) + [
    {"name": "BENCH", "label": "Bench", "remark": "", "execute_timeout": 60, "query_timeout": 60},
]
CHANNELS = list(globals().get("CHANNELS", [])) + [
    ("/bench/noop/", {"comp_codename": "generic.bench.noop"}),
    ("/bench/wait/", {"comp_codename": "generic.bench.wait"}),
]
'''


@contextlib.contextmanager
def running(python, server, workers, say):
    """Yields the state of a sandbox that is up; takes it down and removes its data afterwards."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ding-bench-"))
    sandbox = Sandbox(paths.Home(folder), say)
    try:
        sandbox.up({"python": python, "server": server, "workers": workers})
        _add_components(sandbox)
        yield sandbox.state
    finally:
        sandbox.down()
        shutil.rmtree(folder, ignore_errors=True)


def _add_components(sandbox):
    name = sandbox.host_names()[0]
    apis = sandbox.home.host(name).generic / "apis"
    target = apis / "bench"
    target.mkdir()
    (target / "__init__.py").touch()
    for path in COMPONENTS.glob("*.py"):
        shutil.copy(path, target)
    conf = apis / "conf.py"
    conf.write_text(conf.read_text("utf-8") + CONF, "utf-8")
    sandbox.manage(name, "sync_system_and_channel_data")
    settings = json.dumps({"/cmsi/send_ding/": {"qps": 0, "robot_per_minute": 0}})
    subprocess.run(sandbox.state["settings_command"], input=settings, text=True, check=True)
    sandbox.restart([name])
