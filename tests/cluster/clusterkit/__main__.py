"""python -m clusterkit up FOLDER [--python 2.7] | down FOLDER: a platform that stays, and its end."""

import argparse
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parents[1]
for folder in (HERE, HERE.parent / "playbooks", HERE.parent / "modules", HERE.parent / "contract", HERE.parents[1]):
    sys.path.insert(0, str(folder))

from clusterkit import engine  # noqa: E402
from clusterkit.cluster import Cluster  # noqa: E402


def up(options):
    reason = engine.problem()
    if reason:
        raise SystemExit(reason)
    options.folder.mkdir(parents=True, exist_ok=True)
    if (options.folder / "cluster.json").exists():
        down(options)
        options.folder.mkdir()
    platform = Cluster(options.python, "root" if options.python == "2.7" else "ops", options.folder)
    try:
        platform.start()
        platform.save()
    except BaseException:
        platform.end()
        raise
    print("The cluster is up: ansible-playbook -i %s playbooks/install.yml" % platform.inventory)


def down(options):
    if (options.folder / "cluster.json").exists():
        Cluster.told(options.folder).end()
    shutil.rmtree(options.folder, ignore_errors=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m clusterkit", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, run in (("up", up), ("down", down)):
        command = commands.add_parser(name)
        command.add_argument("folder", type=lambda text: pathlib.Path(text).absolute())
        command.set_defaults(run=run)
        if name == "up":
            command.add_argument("--python", choices=("2.7", "current"), default="current", help="the ESB's Python (current)")
    options = parser.parse_args(arguments)
    options.run(options)


if __name__ == "__main__":
    main()
