"""`python -m bench`: start a sandbox, measure, print each ratio with its bound; exit 1 when one is missed."""

import argparse
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--python", default="current", help="the ESB's Python: 2.7, 3.6 or current (current)")
    # Processes of one request each, as the platform's own uWSGI has them.
    parser.add_argument("--server", default="sync", help="what serves the ESB (sync)")
    parser.add_argument("--workers", type=int, default=8, help="(8)")
    parser.add_argument("--report-only", action="store_true", help="exit 0 whatever the figures are")
    options = parser.parse_args()
    _inside_venv()
    results, medians = _measure(options)
    _print(options, results, medians)
    return 0 if options.report_only or all(result.passed for result in results) else 1


def _inside_venv():
    """The sandbox's services need the packages of .venv: any Python may start the bench, .venv's goes on."""
    from sandbox import environments, paths

    python = environments.tools()
    if pathlib.Path(sys.prefix) != paths.VENV:
        os.chdir(ROOT)
        os.execv(str(python), [str(python), "-m", "bench", *sys.argv[1:]])


def _measure(options):
    from bench import client, measures, platform

    with platform.running(options.python, options.server, options.workers, _say) as state:
        world = client.World(state)
        measures.prepare(world)

        def make_esb():
            return client.Esb(state)

        medians = measures.single_requests(make_esb, world, options.workers)
        return measures.round_trips(medians) + measures.bursts(make_esb, world, options.workers), medians


def _say(text):
    print(text, file=sys.stderr)


def _print(options, results, medians):
    print("ESB on Python %s, %s, %d workers; bare round trip %.1f ms, component that does nothing %.1f ms" % (
        options.python, options.server, options.workers, medians["bare"] * 1000, medians["noop"] * 1000))
    for result in results:
        print("%-45s %7.2f %-14s %s %-4g %s   (%s)" % (
            result.what, result.value, result.unit, "<" if result.strict else "<=", result.bound,
            "pass" if result.passed else "FAIL", result.detail))


if __name__ == "__main__":
    sys.exit(main())
