# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Plans how a folder `apis` goes back to a backup without taking away what the site did since. Data in, data out.

Known states of a path are the one in the backup and, step by step, those that our own installs and restores made of a
known state (their records say from what to what). What is in a known state now may go back; anything else is the site's.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import hashlib
import re

from ansible_collections.ding.blueking.plugins.module_utils import conf_block, manifest
from ansible_collections.ding.blueking.plugins.module_utils.our_channels import PACKAGE
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

CONF = u"conf.py"
RESTORE, REMOVE, KEEP, EDIT = "restore", "remove", "keep", "edit"

ADDED = "the site has added it since"
CHANGED = "the site has changed it since"
REMOVED = "the site has removed it since"
BLOCK_TAKEN = "the site has changed it since; only our block was taken out"
BLOCK_ADDED = "the site has changed it since; only our block was put in"
SPECIAL = "a backup does not hold sockets, pipes and devices"
IN_THE_WAY = "what the site has put there is in its way"

_OF_PYTHON_3 = re.compile(r"(.+)/__pycache__(?:/([^/.]+)\.[^/]+\.pyc(?:\.[0-9]+)?)?\Z")


class Plan:
    """actions: {path: RESTORE (as in the backup), REMOVE, KEEP or EDIT} of each path that differs; reasons: {kept path: why};

    result: {path: "backup", "current" or "edited"} of all that will be there; conf: the bytes of an edited conf.py;
    changes: what manifest.changes() says of now and then, for the record.
    """

    def __init__(self, wanted, current):
        self.wanted = wanted
        self.current = current
        self.actions = {}
        self.reasons = {}
        self.result = {}
        self.conf = None
        self.changes = {}

    def paths(self, *actions):
        return sorted(path for path, action in self.actions.items() if action in actions)

    @property
    def done(self):
        """The paths that change."""
        return self.paths(RESTORE, REMOVE, EDIT)

    @property
    def tops(self):
        """The entries of the folder itself in which something changes."""
        return sorted(set(path.split(u"/")[0] for path in self.done if path != manifest.ROOT))

    @property
    def told(self):
        """{path: [entry or None, entry or None]}: the paths that change. Byte code goes with its source, and is nothing: an ESB writes some at any time."""
        return dict((path, self.changes[path]) for path in self.done if path in self.changes)

    def entry(self, path):
        """What will be at a path: an entry, None for nothing; an edited file's lacks the time."""
        source = self.result.get(path)
        if source == "edited":
            attributes = dict((name, value) for name, value in self.current[path].items() if name != "mtime")
            return dict(attributes, sha256=hashlib.sha256(self.conf).hexdigest(), size=len(self.conf))
        return {"backup": self.wanted, "current": self.current}[source][path] if source else None


def plan(wanted, current, records, conf_wanted=None, conf_current=None, overwrite=False):
    """A Plan. records: [{path: [entry or None, entry or None]}, …] of our installs and restores since the backup, oldest first;

    conf_*: conf.py's bytes, None for no file; overwrite: what the site did since goes too. Raises Problem.
    """
    made = Plan(wanted, current)
    if not current:
        # Everything was wiped: there is nothing of the site's to be kept.
        overwrite = True
    before, now = manifest.content(wanted), manifest.content(current)
    packaged = [path for record in records for path in record if _is_ours(path)]
    ours = set(packaged) | set(path for path in before if _is_ours(path))
    for path in sorted(set(before) | set(now)):
        if manifest.identity(before.get(path)) == manifest.identity(now.get(path)):
            continue
        back = RESTORE if path in before else REMOVE
        is_known = overwrite or _is_known(path, before, now, records)
        if is_known or _is_ours(path) and (not packaged or path in ours or _is_left_by_an_import(path, now.get(path), ours)):
            made.actions[path] = back
        elif path == CONF:
            _plan_conf(made, before, now, conf_wanted, conf_current)
        else:
            _keep(made, path, REMOVED if path not in now else CHANGED if path in before else ADDED)
        if made.actions[path] == RESTORE and before[path]["type"] == "special":
            _keep(made, path, SPECIAL)
    _plan_byte_code(made)
    _settle(made)
    made.changes = manifest.changes(current, dict((path, made.entry(path)) for path in made.result))
    return made


def _is_ours(path):
    return path == PACKAGE or path.startswith(PACKAGE + u"/")


def _is_left_by_an_import(path, entry, ours):
    """Whether Python 3 has made it for the sake of a path in `ours`: an import that has read a source before it went writes byte code behind that,
    and makes the folders for it. Nothing imports what is in __pycache__ without its source.
    """
    found = _OF_PYTHON_3.match(path)
    if found is None or entry is None or entry["type"] != ("file" if found.group(2) else "folder"):
        return False
    return (found.group(1) + (u"/%s.py" % found.group(2) if found.group(2) else u"")) in ours


def _is_known(path, before, now, records):
    known = set([manifest.identity(before.get(path))])
    for record in records:
        if path in record:
            one, other = record[path]
            if manifest.identity(one) in known:
                known.add(manifest.identity(other))
    return len(known) > 1 and manifest.identity(now.get(path)) in known


def _keep(made, path, why):
    made.actions[path] = KEEP
    made.reasons[path] = why


def _plan_conf(made, before, now, conf_wanted, conf_current):
    """The site's conf.py stays the site's, and holds our block if it held one when the backup was taken."""
    if any(each is not None and each["type"] != "file" for each in (before.get(CONF), now.get(CONF))) or CONF not in now:
        return _keep(made, CONF, REMOVED if CONF not in now else CHANGED)
    try:
        rest, rest_wanted = conf_block.remove(conf_current), conf_block.remove(conf_wanted)
        has_block = rest_wanted != conf_wanted
        edited = conf_block.add(rest) if has_block and rest == conf_current else conf_current if has_block else rest
    except conf_block.DamagedBlock as error:
        raise Problem("%s (In conf.py, so nothing was restored; overwrite: true takes the backup's whole conf.py.)" % error)
    attributes = [[each.get(name) for name in ("mode", "owner", "group")] for each in (before.get(CONF) or {}, now[CONF])]
    if rest == rest_wanted and (attributes[0] == attributes[1] or rest is None):
        made.actions[CONF] = RESTORE if CONF in before else REMOVE
    elif edited == conf_current:
        _keep(made, CONF, CHANGED if CONF in before else ADDED)
    elif edited is None:
        made.actions[CONF] = REMOVE
    else:
        made.actions[CONF] = EDIT
        made.reasons[CONF] = BLOCK_ADDED if has_block else BLOCK_TAKEN
        made.conf = edited


def _plan_byte_code(made):
    """Byte code goes with its source: as the backup has it beside a restored source, away with one that goes or is edited."""
    wanted = manifest.byte_code(made.wanted)
    for path in wanted | manifest.byte_code(made.current):
        action = made.actions.get(manifest.source_of(path))
        # What is byte code in the backup can be alone now, and counted as a file so far.
        is_decided = path not in wanted and made.actions.get(path, KEEP) != KEEP
        if action not in (RESTORE, REMOVE, EDIT) or is_decided:
            continue
        made.actions.pop(path, None)
        made.reasons.pop(path, None)
        # What is byte code now may be a component of its own in the backup, which comes back when the source goes.
        if path in made.wanted and (action == RESTORE or action == REMOVE and path not in wanted):
            # Also where it is the same: swap.py takes away what is beside a new source and not new itself.
            made.actions[path] = RESTORE
        elif path in made.current:
            made.actions[path] = REMOVE


def _settle(made):
    """Makes a tree of it: a folder that holds something stays or comes back, and nothing is put below what is no folder."""
    result = made.result
    for path in made.current:
        if made.actions.get(path) not in (REMOVE, RESTORE):
            result[path] = "edited" if made.actions.get(path) == EDIT else "current"
    for path in made.paths(RESTORE):
        result[path] = "backup"
    _drop_emptied_caches(made)
    for path in sorted(result, key=_depth):
        _settle_one(made, path)


def _depth(path):
    return 0 if path == manifest.ROOT else 1 + path.count(u"/"), path


def _settle_one(made, path):
    result, above = made.result, manifest.parent(path)
    if above is None:
        return
    holder = made.entry(above)
    if holder is not None and holder["type"] == "folder":
        return
    if result[path] == "current":
        # Something of the site's is in a folder that would go, or become something else.
        if holder is not None:
            _keep(made, above, IN_THE_WAY)
        else:
            made.actions.pop(above, None)
        result[above] = "current"
        _settle_one(made, above)
        return
    if holder is None and made.wanted.get(above, {}).get("type") == "folder":
        made.actions[above] = RESTORE
        made.reasons.pop(above, None)
        result[above] = "backup"
        _settle_one(made, above)
    if above not in result or holder is not None:
        del result[path]
        _keep(made, path, IN_THE_WAY)


def _drop_emptied_caches(made):
    """A folder __pycache__ goes when we empty it or when its own folder goes, unless the backup has it."""
    emptied = set(manifest.parent(path) for path in made.paths(REMOVE))
    holding = set(manifest.parent(path) for path in made.result)
    for path in manifest.byte_code(made.current) - holding:
        is_folder = made.current[path]["type"] == "folder"
        if is_folder and path not in made.wanted and (path in emptied or _folder_goes(made, manifest.parent(path))):
            made.actions[path] = REMOVE
            made.result.pop(path, None)


def _folder_goes(made, path):
    action = made.actions.get(path)
    return action == REMOVE or action == RESTORE and made.wanted[path]["type"] != "folder"
