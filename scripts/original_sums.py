"""Prints plugins/module_utils/original_sums.py: the sha256 sums of all published versions of the manual release.

    python3 scripts/original_sums.py PATH_OF_A_CLONE > plugins/module_utils/original_sums.py

The clone is one of wenchao-h/ding-blueking with all branches and tags; every commit that one of them reaches counts.
"""

import hashlib
import subprocess
import sys

HEAD = '''\
# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The sha256 sums of the files of the manual release, by path: every commit that its branches and tags reach.

Made by scripts/original_sums.py from %d commits (%s); %d files. Do not edit.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

SUMS = {
'''


def git(clone, *words):
    return subprocess.run(["git", "-C", clone, *words], check=True, capture_output=True).stdout


def sums(clone, commits):
    """{path: sums in the order of their first commit}"""
    found, by_blob = {}, {}
    for commit in commits:
        for line in git(clone, "ls-tree", "-r", "-z", commit).decode("utf-8").split("\0")[:-1]:
            blob, path = line.split(" ", 2)[2].split("\t")
            if blob not in by_blob:
                by_blob[blob] = hashlib.sha256(git(clone, "cat-file", "blob", blob)).hexdigest()
            if by_blob[blob] not in found.setdefault(path, []):
                found[path].append(by_blob[blob])
    return found


def main(clone):
    commits = git(clone, "rev-list", "--reverse", "--topo-order", "--all").decode("ascii").split()
    found = sums(clone, commits)
    print(HEAD % (len(commits), "from %s to %s" % (commits[0][:7], commits[-1][:7]), len(found)), end="")
    for path in sorted(found):
        print('    "%s": (' % path)
        for each in found[path]:
            print('        "%s",' % each)
        print("    ),")
    print("}")


if __name__ == "__main__":
    main(sys.argv[1])
