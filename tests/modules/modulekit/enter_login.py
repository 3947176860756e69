"""Goes into a private mount namespace made by unshare, becomes an unprivileged login, and starts a command.

enter_login.py SPEC COMMAND …: SPEC is the JSON file that modulekit/login.py writes. Nothing outside the namespace changes.
"""

import json
import os
import subprocess
import sys


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def open_the_way(spec):
    """Behind folders that only root may enter: an empty folder in their place, with the paths that are needed mounted in it."""
    for number, (folder, needed) in enumerate(sorted(spec["closed"].items())):
        kept = []
        for index, path in enumerate(needed):
            place = os.path.join(spec["stage"], "%d-%d" % (number, index))
            os.mkdir(place)
            mount("--bind", path, place)
            kept.append((place, path))
        mount("-t", "tmpfs", "-o", "mode=0755,size=64m", "tmpfs", folder)
        for place, path in kept:
            os.makedirs(path, 0o755)
            mount("--bind", place, path)


def main(spec_path, command):
    with open(spec_path, encoding="utf-8") as handle:
        spec = json.load(handle)
    mount("--make-rprivate", "/")
    open_the_way(spec)
    for target, source in spec["files"].items():
        mount("--bind", source, target)
    if spec["noexec_tmp"]:
        mount("--bind", "/tmp", "/tmp")
        mount("-o", "remount,bind,noexec", "/tmp")
        for path in spec["runnable"]:
            mount("--bind", path, path)
            mount("-o", "remount,bind,exec", path)
    os.umask(spec["umask"])
    os.setgroups([])
    os.setgid(spec["id"])
    os.setuid(spec["id"])
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
