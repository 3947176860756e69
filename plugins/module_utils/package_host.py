# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The component folder and conf.py's block on one host: reads what is there, plans with package and original, swaps it in."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import base64
import collections
import grp
import os
import pwd
import re
import shutil
import time

from ansible_collections.ding.blueking.plugins.module_utils import conf_block
from ansible_collections.ding.blueking.plugins.module_utils import esb_sources
from ansible_collections.ding.blueking.plugins.module_utils import original
from ansible_collections.ding.blueking.plugins.module_utils import package
from ansible_collections.ding.blueking.plugins.module_utils import problem as problem_module
from ansible_collections.ding.blueking.plugins.module_utils import swap
from ansible_collections.ding.blueking.plugins.module_utils.apis_tree import View
from ansible_collections.ding.blueking.plugins.module_utils.our_channels import MESSAGE_TYPE, PACKAGE
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

FOLDER, CONF = "apis/" + PACKAGE, "apis/conf.py"
# Documentation is read when it is asked for; all else needs new processes.
NO_RESTART = PACKAGE + "/apidocs/"
# Larger files of a site are not sent to the trial import.
SENT_BYTES = 1000000
LOCK_SECONDS = 30

_PLAIN = re.compile(r"[ -~]+\Z")

# What shall happen. goal: the wanted tree of our folder; changes: package.Changes of it; conf, configs: (before, after) bytes or None;
# byte_code: stale files beside conf.py; original: an original.Plan or None; taken: [[path, line]] of conf.py; decided: an interrupted run's targets.
Plan = collections.namedtuple("Plan", "goal changes conf configs byte_code original taken decided version previous")
# The number of a user or group; what is longer is looked for as a name.
_ID = re.compile(r"[0-9]{1,9}\Z")


def work(esb, params, files, check):
    """Does it (or, with `check`, only plans it). Returns the module's result. Raises Problem."""
    esb.check()
    if not os.path.isdir(esb.generic):
        raise Problem("There is no folder %s on this host: is esb_home the ESB's folder?" % esb.generic)
    owner = owner_of(esb, params)
    # Another run may be waiting for the ESB's Python meanwhile.
    with swap.lock(esb.generic, LOCK_SECONDS + esb.timeout):
        decided = swap.pending(esb.generic)
        if not check:
            swap.recover(esb.generic)
        view = View(esb.generic, decided if check else None)
        plan, conf = make_plan(esb, params, files, owner, view, decided), view.entry(CONF)
        if has_steps(plan):
            refuse_what_does_not_compile(esb, params, files, view, plan)
            if plan.original is not None:
                refuse_what_does_not_import(esb, files, view, plan)
            if not check:
                perform(esb, view, plan, owner, files)
        own_names = swap.own_names(esb.generic, CONF)
    return result(esb, plan, conf, own_names)


def owner_of(esb, params):
    """Raises Problem for a user or group that the host does not know."""
    try:
        user = params["owner"] and (int(params["owner"]) if _ID.match(params["owner"]) else pwd.getpwnam(params["owner"]).pw_uid)
        group = params["group"] and (int(params["group"]) if _ID.match(params["group"]) else grp.getgrnam(params["group"]).gr_gid)
    except KeyError as error:
        raise Problem("This host does not know the owner or group that was asked for: %s." % error.args[0])
    return package.Owner(esb.user().pw_uid if user in (None, "") else user, esb.user().pw_gid if group in (None, "") else group)


def make_plan(esb, params, files, owner, view, decided):
    apis = view.entry("apis")
    if apis is None or apis.kind not in ("folder", "link"):
        raise Problem("There is no folder %s on this host: is esb_home the ESB's folder?" % esb.apis)
    if apis.kind == "link":
        raise Problem("%s is a link to %s, and nothing can be swapped in through a link: put the folder itself in its place."
                      % (esb.apis, apis.content))
    tree = view.tree(FOLDER)
    if params["only_byte_code"]:
        return remains(tree, files, decided)
    before = read_conf(esb, view, files is not None)
    try:
        after = conf_block.remove(before)
        if files is not None:
            after, release, configs, taken = without_original(esb, params, view, before)
            after = conf_block.add(after)
        else:
            release, configs, taken = None, None, []
    except conf_block.DamagedBlock as error:
        raise Problem("%s: %s" % (os.path.join(esb.apis, "conf.py"), error))
    goal = package.wanted(files, owner)
    conf = None if after == before else (before, after)
    return Plan(goal, package.differences(tree, goal), conf, configs, stale_beside(view, files, conf), release, taken, decided,
                package.version(files) if files is not None else None, package.version_of(tree))


def remains(tree, files, decided):
    """The Plan that takes away a folder in which there is only what an import leaves behind its sources."""
    if files is not None:
        raise Problem("only_byte_code goes with state: absent only.")
    gone = tree if package.is_byte_code_only(tree) else {}
    return Plan({}, package.differences(gone, {}), None, None, [], None, [], decided, None, package.version_of(tree))


def read_conf(esb, view, adds):
    """conf.py's bytes, None when there is none. Raises Problem where nobody could add to it, if that is wanted."""
    entry = view.entry(CONF)
    if entry is None:
        for name in ("conf.pyc", "conf.pyo"):
            if adds and view.entry("apis/" + name) is not None:
                raise Problem("%s has a %s without its conf.py, and the ESB reads the site's channels from it: bring conf.py back, or remove "
                              "the %s if nobody needs it." % (esb.apis, name, name))
        return None
    if entry.kind == "file":
        return entry.content
    if entry.kind != "link":
        raise Problem("%s is no file." % os.path.join(esb.apis, "conf.py"))
    try:
        with open(view.path(CONF), "rb") as handle:
            return handle.read()
    except (OSError, IOError) as error:
        raise Problem("%s cannot be read: %s." % (os.path.join(esb.apis, "conf.py"), os.strerror(error.errno)))


def without_original(esb, params, view, conf):
    """(conf.py, original.Plan, (configs before, after), taken entries) once the manual release is gone. Raises Problem."""
    rest, taken, configs = conf, [], None
    if original.names_channels(conf_block.remove(conf)):
        answer = ask(esb, "without_channels", {"content": to_text(conf), "channels": original.CHANNELS})
        if "fault" in answer:
            raise broken_conf(esb, *answer["fault"])
        rest, taken = base64.b64decode(answer["content"]), answer["taken"]
    tree = view.tree("apis", original.reads)
    found = original.found_in(tree) + (["conf.py"] if taken else [])
    if not found:
        return conf, None, None, []
    if not params["replace_original"]:
        raise Problem(original.refusal(found, esb.apis))
    release = original.plan(tree)
    if release.configs:
        content = read_configs(esb, view)
        answer = ask(esb, "without_message_type", {"content": to_text(content), "type": MESSAGE_TYPE})
        if "fault" in answer:
            raise Problem("Nothing was changed: %s, which the site has changed, does not compile (line %s: %s). Mend it first."
                          % tuple([os.path.join(esb.apis, original.CONFIGS)] + answer["fault"]))
        if answer["taken"]:
            configs = (content, base64.b64decode(answer["content"]))
    return rest, release, configs, taken


def read_configs(esb, view):
    """The bytes of CMSI's configs, whose text is to be changed. Raises Problem unless it is a file."""
    entry = view.entry("apis/" + original.CONFIGS)
    if entry is None or entry.kind != "file":
        raise Problem("%s is no file." % os.path.join(esb.apis, original.CONFIGS))
    return entry.content


def stale_beside(view, files, conf):
    """Byte code of conf.py that is not conf.py's; when conf.py itself changes, the swap takes all of it away."""
    entry = view.entry(CONF)
    if files is None or conf is not None or entry is None or entry.kind != "file":
        return []
    names = ["apis/" + name for name in view.names("apis") if name in ("conf.pyc", "conf.pyo")]
    names += ["apis/__pycache__/" + name for name in view.names("apis/__pycache__") if name.startswith("conf.")]
    found = dict((name, view.entry(name)) for name in names)
    # One that an ESB is just writing has had its name changed by now.
    return package.stale_byte_code([name for name in names if found[name] and found[name].kind == "file"], entry, lambda name: found[name].content)


def has_steps(plan):
    return bool(plan.changes or plan.conf or plan.configs or plan.byte_code or plan.original and plan.original.gone)


# --- asking the ESB's own Python --------------------------------------------------------------------------------------

def ask(esb, function, argument):
    return esb.call("esb_sources." + function, argument, [problem_module, esb_sources])


def to_text(content):
    return base64.b64encode(content).decode("ascii")


def refuse_what_does_not_compile(esb, params, files, view, plan):
    conf = view.entry(CONF)
    if plan.conf and conf is not None and conf.kind != "file":
        raise Problem("%s is not a file of its own but a link to %s, and whoever else uses that file would get our block: put the file itself "
                      "in its place, or change that file by hand." % (os.path.join(esb.apis, "conf.py"), conf.content))
    if not params["compile_check"]:
        return
    sources = [["conf.py", content] for content in (plan.conf or ()) if content is not None]
    if files is not None and plan.changes:
        sources += [[path, content] for path, content in sorted(files.items()) if path.endswith(".py")]
    if not sources:
        return
    answer = ask(esb, "compiles", {"files": [[name, to_text(content)] for name, content in sources]})
    python = "Python %d.%d" % tuple(answer["python"])
    for name, line, reason in answer["faults"]:
        if name == "conf.py":
            raise broken_conf(esb, line, reason)
        raise Problem("Nothing was changed: the package does not compile with the ESB's %s (%s, line %s: %s)." % (python, name, line, reason))
    if files is not None and answer["python"][0] == 2 and view.entry("apis/__init__.py") is None:
        raise Problem("Nothing was changed: %s has no __init__.py, without which the ESB's %s imports nothing from it. Put an empty one there."
                      % (esb.apis, python))


def broken_conf(esb, line, reason):
    return Problem("Nothing was changed: %s does not compile with the ESB's Python (line %s: %s), so the ESB has none of the site's own channels. "
                   "Mend it first." % (os.path.join(esb.apis, "conf.py"), line, reason))


def refuse_what_does_not_import(esb, files, view, plan):
    """A trial: what would be in apis afterwards is imported from a copy; what fails must have failed before as well."""
    found = [(path, view.entry("apis/" + path)) for path in sent(view)]
    before = dict((path, entry.content) for path, entry in found if entry)
    after = dict((path, content) for path, content in before.items()
                 if path not in plan.original.files and not path.startswith(PACKAGE + "/"))
    after.update((PACKAGE + "/" + path, content) for path, content in files.items())
    if plan.conf:
        after["conf.py"] = plan.conf[1]
    if plan.configs:
        after[original.CONFIGS] = plan.configs[1]
    failed = trial(esb, after, None)
    if failed:
        already = set(name for name, reason in trial(esb, before, [name for name, reason in failed]))
        broken = [(name, reason) for name, reason in failed if name not in already]
        if broken:
            raise Problem("Nothing was changed: without the manual release, %s could not be imported any more (%s). Take the file away, or take "
                          "out what it needs of the release, then start again."
                          % (", ".join(name.replace(".", "/") + ".py" for name, reason in broken), broken[0][1]))


def trial(esb, files, only):
    listed = [[path, to_text(files[path])] for path in sorted(files)]
    return ask(esb, "imports", {"files": listed, "only": only})["failed"]


def sent(view):
    """The paths in apis that go to the trial: all files but byte code that has its source, large ones, and names that no module has."""
    sizes = {}

    def note(path, size):
        sizes[path[len("apis/"):]] = size
        return False

    tree = view.tree("apis", note)
    return [path for path, entry in tree.items() if entry.kind == "file" and package.source_of(path) not in tree
            and "__pycache__" not in path.split("/") and _PLAIN.match(path) and sizes[path] <= SENT_BYTES]


# --- changing it ------------------------------------------------------------------------------------------------------

def perform(esb, view, plan, owner, files):
    with swap.stage(esb.generic) as stage:
        if not plan.goal:
            put_conf(stage, view, plan, owner)
        if plan.changes and plan.goal:
            build(stage.put(FOLDER), plan.goal, view.tree(FOLDER))
        elif plan.changes:
            stage.delete(FOLDER)
        if plan.original:
            for path in plan.original.gone:
                stage.delete("apis/" + path)
        if plan.configs:
            replace_file(stage.put("apis/" + original.CONFIGS), view.path("apis/" + original.CONFIGS), plan.configs[1])
        if plan.goal:
            put_conf(stage, view, plan, owner)
        for path in plan.byte_code:
            stage.delete(path)
        refuse_what_has_changed(esb, view, plan, files)
        stage.commit()


def refuse_what_has_changed(esb, view, plan, files):
    """The ESB's Python was asked since the plan was made, for seconds: what the site has written meanwhile is not overwritten."""
    if plan.conf and read_conf(esb, view, files is not None) != plan.conf[0]:
        raise swap.changed_meanwhile(os.path.join(esb.apis, "conf.py"))
    if sources_of(package.differences(view.tree(FOLDER), plan.goal)) != sources_of(plan.changes):
        raise swap.changed_meanwhile(os.path.join(esb.apis, PACKAGE))
    if plan.configs and read_configs(esb, view) != plan.configs[0]:
        raise swap.changed_meanwhile(os.path.join(esb.apis, original.CONFIGS))
    if plan.original:
        now = original.plan(view.tree("apis", original.reads))
        for then, found in ((plan.original.files, now.files), (plan.original.kept, now.kept)):
            changed = sorted(path for path in set(then) ^ set(found) if not package.is_byte_code(path))
            if changed:
                raise swap.changed_meanwhile(os.path.join(esb.apis, changed[0]))


def sources_of(changes):
    """What the changes were planned for, without times, and without the byte code that an ESB may write at any time."""
    return [(change.path, change.before and change.before[:len(package.Wanted._fields)]) for change in changes if not package.is_byte_code(change.path)]


def put_conf(stage, view, plan, owner):
    if not plan.conf:
        return
    before, after = plan.conf
    if after is None:
        stage.delete(CONF)
    elif before is None:
        write(stage.put(CONF), after, package.FILE_MODE, owner.uid, owner.gid)
    else:
        replace_file(stage.put(CONF), view.path(CONF), after)


def build(place, goal, former):
    """Makes the folder. No new file has the time of the one that it replaces: Python 2.7 would take byte code of the old for its own."""
    for path in sorted(goal):
        each, whole = goal[path], os.path.join(place, path) if path else place
        if each.kind == "folder":
            os.mkdir(whole, 0o700)
        else:
            write(whole, each.content, each.mode, each.uid, each.gid)
            set_time(whole, former[path].mtime if path in former else None)
    for path in sorted(goal):
        if goal[path].kind == "folder":
            give(os.path.join(place, path) if path else place, goal[path].mode, goal[path].uid, goal[path].gid)


def write(path, content, mode, uid, gid):
    with open(path, "wb") as handle:
        os.chmod(path, 0o600)
        handle.write(content)
    give(path, mode, uid, gid)


def give(path, mode, uid, gid):
    seen = os.lstat(path)
    if (seen.st_uid, seen.st_gid) != (uid, gid):
        os.chown(path, uid, gid)
    os.chmod(path, mode)


def replace_file(place, former, content):
    """A file with new content and everything else of the former one."""
    seen = os.stat(former)
    write(place, content, 0o600, seen.st_uid, seen.st_gid)
    shutil.copystat(former, place)
    set_time(place, int(seen.st_mtime))


def set_time(path, other):
    now = int(time.time())
    os.utime(path, (now, now if now != other else now + 1))


# --- telling it -------------------------------------------------------------------------------------------------------

def result(esb, plan, conf, own_names):
    """The same in check mode and in real mode."""
    found = {"added": [], "changed": [], "removed": []}
    for kind, paths in package.summary(plan.changes).items():
        found[kind] += [(PACKAGE + "/" + path).rstrip("/") for path in paths]
    for path, pair in (("conf.py", plan.conf), (original.CONFIGS, plan.configs)):
        if pair:
            found["added" if pair[0] is None else "removed" if pair[1] is None else "changed"].append(path)
    found["removed"] += [path[len("apis/"):] for path in plan.byte_code] + (plan.original.files if plan.original else [])
    touched = sum(found.values(), [])
    return {
        "changed": bool(has_steps(plan) or plan.decided),
        "diff": diff(esb, plan),
        "files": dict((kind, sorted(paths)) for kind, paths in found.items()),
        "kept": plan.original.kept if plan.original else [],
        "recovered": sorted(plan.decided),
        "version": plan.version,
        "previous_version": plan.previous,
        "warnings": hard_links(esb, plan, conf, own_names),
        "restart_needed": bool(plan.decided or any(may_be_loaded(path, plan) for path in touched)),
    }


def may_be_loaded(path, plan):
    """Whether a running ESB may work with it. What goes from a cache without any source is what an import has left."""
    return not path.startswith(NO_RESTART) and (bool(plan.goal) or not package.is_in_a_cache(path))


def hard_links(esb, plan, conf, own_names):
    names = conf.links - own_names if plan.conf and conf is not None else 1
    if names < 2:
        return []
    return ["%s had %d names (hard links). Only this one was changed; the others keep the former content." % (os.path.join(esb.apis, "conf.py"), names)]


def diff(esb, plan):
    """conf.py, the site's own file, comes first. It and CMSI's configs may hold a site's secrets: only our own lines of them are shown."""
    parts = []
    if plan.decided:
        parts.append(package.part("an interrupted run in " + esb.generic, lines(sorted(plan.decided)), ""))
    if plan.conf:
        taken = ["(the manual release's entry of %s in line %d)" % (path, line) for path, line in plan.taken]
        parts.append(package.part(os.path.join(esb.apis, "conf.py"), lines(taken) + block(plan.conf[0]), block(plan.conf[1])))
    parts += package.diff(plan.changes, os.path.join(esb.apis, PACKAGE), name_of)
    if plan.original:
        gone = list(plan.original.files)
        kept = ["%s (not as it was published: stays)" % path for path in plan.original.kept]
        parts.append(package.part("the manual release in " + esb.apis, lines(gone + kept), lines(kept)))
    if plan.configs:
        parts.append(package.part(os.path.join(esb.apis, original.CONFIGS), lines(["(the entries of message type %s)" % MESSAGE_TYPE]), ""))
    for path in plan.byte_code:
        parts.append(package.part(os.path.join(esb.generic, path), "(byte code of another conf.py)\n", ""))
    return parts


def lines(words):
    return "".join(word + "\n" for word in words)


def block(content):
    """Our block in conf.py as text."""
    rest = conf_block.remove(content)
    if rest == content:
        return ""
    if conf_block.is_current(content):
        return conf_block.BLOCK.decode("ascii")
    return "(an older block of ding.blueking)\n"


def name_of(uid, gid):
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    try:
        group = grp.getgrgid(gid).gr_name
    except KeyError:
        group = str(gid)
    return "%s:%s" % (user, group)
