"""`python -m bench [channel] [playbooks]`: measure on sandboxes, print each ratio with its bound; exit 1 when one is missed."""

import argparse
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    options = _options()
    _inside_venv()
    from sandbox.errors import SandboxError

    results = []
    for what, run in (("channel", _channel), ("playbooks", _playbooks)):
        if what in options.what:
            try:
                found, said = run(options)
            except SandboxError as error:
                print("error: %s" % error, file=sys.stderr)
                return 1
            results += found
            print("\n".join([*said, *map(_line, found)]), flush=True)
    return 0 if options.report_only or all(result.passed for result in results) else 1


def _options():
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="*", default=[], metavar="channel|playbooks", help="what to measure (both)")
    parser.add_argument("--report-only", action="store_true", help="exit 0 whatever the figures are")
    channel = parser.add_argument_group("channel")
    channel.add_argument("--python", default="current", help="the ESB's Python: 2.7, 3.6 or current (current)")
    # Processes of one request each, as the platform's own uWSGI has them.
    channel.add_argument("--server", default="sync", help="what serves the ESB (sync)")
    channel.add_argument("--workers", type=int, default=8, help="(8)")
    playbooks = parser.add_argument_group("playbooks")
    playbooks.add_argument("--quick", action="store_true", help="leave out the run of 20 hosts that are all on this machine")
    playbooks.add_argument("--tasks", action="store_true", help="show how long each task takes")
    options = parser.parse_args()
    options.what = options.what or ["channel", "playbooks"]
    for name in options.what:
        if name not in ("channel", "playbooks"):
            parser.error("there is nothing to measure called %r: choose channel or playbooks" % name)
    return options


def _inside_venv():
    """The sandbox's services need the packages of .venv: any Python may start the bench, .venv's goes on."""
    from sandbox import environments, paths

    python = environments.tools()
    if pathlib.Path(sys.prefix) != paths.VENV:
        os.chdir(ROOT)
        os.execv(str(python), [str(python), "-m", "bench", *sys.argv[1:]])


def _channel(options):
    from bench import client, measures, platform

    with platform.running(options.python, options.server, options.workers, _say) as state:
        world = client.World(state)
        measures.prepare(world)

        def make_esb():
            return client.Esb(state)

        medians = measures.single_requests(make_esb, world, options.workers)
        results = measures.round_trips(medians) + measures.bursts(make_esb, world, options.workers)
    said = "ESB on Python %s, %s, %d workers; bare round trip %.1f ms, component that does nothing %.1f ms"
    return results, [said % (options.python, options.server, options.workers, medians["bare"] * 1000, medians["noop"] * 1000)]


def _playbooks(options):
    from bench import playbooks

    return playbooks.measure(_say, raw=not options.quick, tasks=options.tasks)


def _say(text):
    print(text, file=sys.stderr)


def _line(result):
    return "%-45s %7.2f %-14s %s %-4g %s   (%s)" % (
        result.what, result.value, result.unit, "<" if result.strict else "<=", result.bound,
        "pass" if result.passed else "FAIL", result.detail)


if __name__ == "__main__":
    sys.exit(main())
