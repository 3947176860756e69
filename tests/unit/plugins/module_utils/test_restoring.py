# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""restoring.py: what goes back, what goes away, and what is the site's and stays."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import hashlib

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import conf_block, manifest, restoring
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem


def tree(**files):
    """{"a__b_py": "content"} is the file a/b.py, None a folder, and a tuple a link; folders above come by themselves."""
    found = {".": folder()}
    for name, content in files.items():
        path = name.replace("__", "/").replace("_py", ".py")
        above = manifest.parent(path)
        while above != ".":
            found.setdefault(above, folder())
            above = manifest.parent(above)
        if content is None:
            found[path] = folder()
        elif isinstance(content, tuple):
            found[path] = {"type": "link", "target": content[0], "owner": 0, "group": 0}
        else:
            found[path] = {"type": "file", "sha256": content, "size": 1, "mtime": 1, "mode": 0o644, "owner": 0, "group": 0}
    return found


def folder():
    return {"type": "folder", "mode": 0o755, "owner": 0, "group": 0}


def outcome(wanted, current, records=(), **more):
    """The plan's result as {path: entry}, and why something was kept."""
    made = restoring.plan(wanted, current, list(records), **more)
    return dict((path, made.entry(path)) for path in made.result), made.reasons


BEFORE = tree(conf_py="site", own__x_py="x", original__a_py="a")
INSTALLED = tree(conf_py="site+block", own__x_py="x", ding_blueking__a_py="ours")
INSTALL = manifest.changes(BEFORE, INSTALLED)


def test_nothing_differs_nothing_happens():
    made = restoring.plan(BEFORE, BEFORE, [])
    assert (made.actions, made.done, made.tops) == ({}, [], [])


def test_an_install_is_undone():
    assert outcome(BEFORE, INSTALLED, [INSTALL]) == (BEFORE, {})


def test_an_undone_install_is_done_again():
    undone = manifest.changes(INSTALLED, BEFORE)
    assert outcome(INSTALLED, BEFORE, [undone]) == (INSTALLED, {})
    assert outcome(BEFORE, INSTALLED, [INSTALL, undone, INSTALL]) == (BEFORE, {})


def test_what_the_site_changed_added_and_removed_stays():
    now = dict(INSTALLED, **tree(own__x_py="x changed", own__new_py="new", alone__n_py="n"))
    later = dict(BEFORE, **tree(gone_py="g"))
    found, reasons = outcome(later, now, [manifest.changes(later, dict(INSTALLED, **tree(gone_py="g")))])
    assert found == dict(BEFORE, **tree(own__x_py="x changed", own__new_py="new", alone__n_py="n"))
    assert reasons == {"own/x.py": restoring.CHANGED, "own/new.py": restoring.ADDED, "alone": restoring.ADDED, "alone/n.py": restoring.ADDED,
                       "gone.py": restoring.REMOVED}


def test_what_the_site_changed_between_two_installs_stays():
    between = dict(INSTALLED, **tree(own__x_py="x changed"))
    second = dict(between, **tree(ding_blueking__a_py="ours 2"))
    found, reasons = outcome(BEFORE, second, [INSTALL, manifest.changes(between, second)])
    assert found == dict(BEFORE, **tree(own__x_py="x changed")) and sorted(reasons) == ["own/x.py"]


def test_a_file_of_the_sites_that_a_later_install_changed_stays():
    between = dict(INSTALLED, **tree(original__a_py="the site's new one"))
    second = dict(between)
    del second["original/a.py"], second["original"]
    found, reasons = outcome(BEFORE, between, [INSTALL])
    assert found["original/a.py"]["sha256"] == "the site's new one"
    assert outcome(BEFORE, second, [INSTALL, manifest.changes(between, second)])[0] == BEFORE


def test_overwrite_makes_it_exactly_what_it_was():
    now = dict(INSTALLED, **tree(own__x_py="x changed", own__new_py="new", extra=None))
    assert outcome(BEFORE, now, [INSTALL], overwrite=True) == (BEFORE, {})


def test_without_a_record_only_our_folder_counts_as_ours():
    now = tree(conf_py="site", own__x_py="x changed", original__a_py="a", ding_blueking__a_py="ours", ding_blueking__b_py="half")
    found, reasons = outcome(BEFORE, now)
    assert found == dict(BEFORE, **tree(own__x_py="x changed")) and sorted(reasons) == ["own/x.py"]


def test_our_files_go_even_when_somebody_edited_them_but_not_what_was_put_beside_them():
    now = dict(INSTALLED, **tree(ding_blueking__a_py="edited", ding_blueking__theirs_py="site"))
    found, reasons = outcome(BEFORE, now, [INSTALL])
    assert found == dict(BEFORE, **tree(ding_blueking__theirs_py="site"))
    assert reasons == {"ding_blueking/theirs.py": restoring.ADDED}


def cached(*paths):
    return dict((path, folder() if path.endswith("__pycache__") else {
        "type": "file", "sha256": "late", "size": 1, "mtime": 1, "mode": 0o644, "owner": 0, "group": 0}) for path in paths)


def test_byte_code_that_an_import_left_behind_our_files_goes_with_its_folders():
    records = [INSTALL, manifest.changes(INSTALLED, BEFORE)]
    ours = cached("ding_blueking/__pycache__", "ding_blueking/__pycache__/a.cpython-36.pyc", "ding_blueking/__pycache__/a.cpython-36.pyc.1402")
    assert outcome(BEFORE, dict(BEFORE, ding_blueking=folder(), **ours), records) == (BEFORE, {})
    theirs = dict(cached("ding_blueking/__pycache__", "ding_blueking/__pycache__/theirs.cpython-36.pyc", "ding_blueking/a.pyc"), ding_blueking=folder())
    found, reasons = outcome(BEFORE, dict(BEFORE, **dict(theirs, **ours)), records)
    assert found == dict(BEFORE, **theirs) and set(reasons) == set(["ding_blueking/__pycache__/theirs.cpython-36.pyc", "ding_blueking/a.pyc"])


def test_a_file_or_link_of_the_sites_that_is_called_like_a_cache_stays():
    records = [INSTALL, manifest.changes(INSTALLED, BEFORE)]
    for entry in (cached("x")["x"], {"type": "link", "target": "/data", "owner": 0, "group": 0}):
        now = dict(BEFORE, **{"ding_blueking": folder(), "ding_blueking/__pycache__": entry})
        assert outcome(BEFORE, now, records) == (now, {"ding_blueking/__pycache__": restoring.ADDED})


def test_byte_code_of_a_source_that_a_later_version_had_goes_with_it():
    newer = dict(INSTALLED, **tree(ding_blueking__toolkit__new_py="new", ding_blueking__toolkit__old_py="old"))
    older = dict(INSTALLED, **tree(ding_blueking__toolkit__old_py="old"))
    late = dict(older, **cached("ding_blueking/toolkit/__pycache__", "ding_blueking/toolkit/__pycache__/new.cpython-36.pyc"))
    assert outcome(older, late, [manifest.changes(older, newer), manifest.changes(newer, older)]) == (older, {})


def test_a_mode_an_owner_and_a_links_target_go_back():
    wanted = tree(a_py="a", link=("one",))
    installed = tree(a_py="a", link=("two",))
    installed["a.py"]["mode"] = 0o600
    installed["."]["owner"] = 5
    assert outcome(wanted, installed, [manifest.changes(wanted, installed)]) == (wanted, {})
    assert outcome(wanted, installed, [])[0] == installed


def test_a_wiped_folder_comes_back_as_a_whole():
    assert outcome(BEFORE, {}) == (BEFORE, {})


def test_a_folder_in_which_the_site_put_something_stays():
    now = dict(INSTALLED, **tree(made__by__us_py="u", made__by__site_py="s"))
    installed = dict(INSTALLED, **tree(made__by__us_py="u"))
    found, reasons = outcome(BEFORE, now, [manifest.changes(BEFORE, installed)])
    assert found == dict(BEFORE, **tree(made__by__site_py="s")) and sorted(reasons) == ["made/by/site.py"]


def test_nothing_is_put_below_what_the_site_has_made_a_file_or_a_link():
    wanted, installed = tree(a__b__c_py="c"), tree()
    record = manifest.changes(wanted, installed)
    for content in ("file", ("elsewhere",)):
        now = tree(a=content)
        found, reasons = outcome(wanted, now, [record])
        assert found == now and set(reasons) == set(["a", "a/b", "a/b/c.py"])


def test_a_folder_that_was_a_file_stays_while_the_site_has_something_in_it():
    wanted, installed = tree(a="file"), tree(a=None)
    record = manifest.changes(wanted, installed)
    assert outcome(wanted, installed, [record])[0] == wanted
    now = tree(a__site_py="s")
    assert outcome(wanted, now, [record]) == (now, {"a": restoring.IN_THE_WAY, "a/site.py": restoring.ADDED})


def test_a_socket_cannot_come_back():
    wanted = tree(a_py="a")
    wanted["s"] = {"type": "special", "mode": 0o600, "owner": 0, "group": 0}
    installed = tree(a_py="a")
    assert outcome(wanted, installed, [manifest.changes(wanted, installed)]) == (installed, {"s": restoring.SPECIAL})


# --- byte code --------------------------------------------------------------------------------------------------------

def test_byte_code_comes_back_beside_its_restored_source_and_goes_with_one_that_goes():
    wanted = tree(conf_py="site", conf_pyc="old code", own__x_py="x")
    now = tree(conf_py="site+block", conf_pyc="new code", own__x_py="x", own__x_pyc="x code", ding_blueking__a_py="o", ding_blueking__a_pyc="code")
    now["ding_blueking/__pycache__"] = folder()
    now["ding_blueking/__pycache__/a.cpython-36.pyc"] = now["ding_blueking/a.py"]
    found, reasons = outcome(wanted, now, [manifest.changes(wanted, now)])
    assert found == dict(wanted, **tree(own__x_pyc="x code")) and reasons == {}


def test_byte_code_that_the_backup_lacks_goes_with_a_restored_source():
    wanted, now = tree(conf_py="site"), tree(conf_py="site+block", conf_pyc="new code")
    now["__pycache__"] = folder()
    now["__pycache__/conf.cpython-36.pyc"] = now["conf.pyc"]
    assert outcome(wanted, now, [manifest.changes(wanted, now)]) == (wanted, {})


def test_byte_code_that_was_left_alone_stays_with_its_restored_source():
    wanted = tree(conf_py="site", conf_pyc="code")
    wanted["__pycache__"] = folder()
    wanted["__pycache__/conf.cpython-36.pyc"] = wanted["conf.pyc"]
    now = dict((path, entry) for path, entry in wanted.items() if path != "conf.py")
    assert outcome(wanted, now, [manifest.changes(wanted, now)]) == (wanted, {})


def test_new_byte_code_alone_is_no_reason_to_do_anything():
    now = dict(BEFORE, **tree(own__x_pyc="x code"))
    assert restoring.plan(BEFORE, now, []).actions == {}


def test_byte_code_of_a_source_that_the_site_changed_stays():
    wanted = tree(own__x_py="x", own__x_pyc="old code")
    now = tree(own__x_py="x changed", own__x_pyc="new code")
    assert outcome(wanted, now)[0] == now


def test_a_component_without_its_source_is_a_file_like_any_other():
    wanted, now = tree(own__only_pyc="one"), tree(own__only_pyc="two")
    assert outcome(wanted, now) == (now, {"own/only.pyc": restoring.CHANGED})
    assert outcome(wanted, now, [manifest.changes(wanted, now)]) == (wanted, {})


# --- conf.py ----------------------------------------------------------------------------------------------------------

SITE = b"CHANNELS = []\n"
EDITED = conf_block.add(SITE) + b"CHANNELS.append(('/mine/', {}))\n"


def conf_plan(wanted, current, records=(), **more):
    trees = [tree() if content is None else tree(conf_py=content.decode("ascii")) for content in (wanted, current)]
    made = restoring.plan(trees[0], trees[1], list(records), wanted, current, **more)
    return made, made.actions.get("conf.py"), made.reasons.get("conf.py")


def test_a_conf_that_differs_by_our_block_goes_back_without_a_record():
    assert conf_plan(SITE, conf_block.add(SITE))[1:] == (restoring.RESTORE, None)
    assert conf_plan(conf_block.add(SITE), SITE)[1:] == (restoring.RESTORE, None)
    assert conf_plan(None, conf_block.add(None))[1:] == (restoring.REMOVE, None)


def test_a_conf_that_the_site_changed_keeps_that_and_loses_our_block():
    made, action, reason = conf_plan(SITE, EDITED)
    assert (action, reason) == (restoring.EDIT, restoring.BLOCK_TAKEN)
    assert made.conf == SITE + b"CHANNELS.append(('/mine/', {}))\n"
    assert made.entry("conf.py") == {"type": "file", "mode": 0o644, "owner": 0, "group": 0, "size": len(made.conf),
                                     "sha256": hashlib.sha256(made.conf).hexdigest()}


def test_a_conf_that_the_site_changed_gets_our_block_when_the_backup_has_it():
    made, action, reason = conf_plan(conf_block.add(SITE), SITE + b"X = 1\n")
    assert (action, reason, made.conf) == (restoring.EDIT, restoring.BLOCK_ADDED, conf_block.add(SITE + b"X = 1\n"))
    assert conf_plan(conf_block.add(SITE), EDITED)[1:] == (restoring.KEEP, restoring.CHANGED)


def test_a_conf_without_our_block_that_the_site_changed_is_left():
    assert conf_plan(SITE, SITE + b"X = 1\n")[1:] == (restoring.KEEP, restoring.CHANGED)
    assert conf_plan(None, SITE)[1:] == (restoring.KEEP, restoring.ADDED)
    assert conf_plan(SITE, None)[1:] == (restoring.KEEP, restoring.REMOVED)


def test_a_mode_that_the_site_gave_conf_stays_when_our_block_goes():
    wanted, current = tree(conf_py="s"), tree(conf_py="s+block")
    current["conf.py"]["mode"] = 0o600
    made = restoring.plan(wanted, current, [], SITE, conf_block.add(SITE))
    assert made.actions["conf.py"] == restoring.EDIT and made.entry("conf.py")["mode"] == 0o600 and made.conf == SITE


def test_an_edited_conf_loses_its_byte_code():
    wanted, current = tree(conf_py="s", conf_pyc="old"), tree(conf_py="edited", conf_pyc="new")
    made = restoring.plan(wanted, current, [], SITE, EDITED)
    assert made.actions == {"conf.py": restoring.EDIT, "conf.pyc": restoring.REMOVE}


def test_byte_code_beside_its_source_is_not_told_of():
    wanted, current = tree(conf_py="site", conf_pyc="old"), tree(conf_py="site+block", conf_pyc="new", ding_blueking__a_py="o", ding_blueking__a_pyc="code")
    current["ding_blueking/__pycache__"] = folder()
    current["ding_blueking/__pycache__/a.cpython-36.pyc"] = current["ding_blueking/a.py"]
    made = restoring.plan(wanted, current, [manifest.changes(wanted, current)])
    assert sorted(made.told) == ["conf.py", "ding_blueking", "ding_blueking/a.py"] and len(made.done) == 7
    assert made.told["ding_blueking/a.py"][1] is None and made.told["conf.py"][1]["sha256"] == "site"


def test_byte_code_that_is_alone_on_one_side_is_told_of_the_same_whether_or_not_the_other_side_is_compiled():
    wanted, compiled = tree(own__b_pyc="component"), tree(own__b_py="x", own__b_pyc="code")
    for current in (compiled, tree(own__b_py="x")):
        made = restoring.plan(wanted, current, [], overwrite=True)
        assert made.told == manifest.changes(compiled, wanted) and sorted(made.told) == ["own/b.py", "own/b.pyc"]


@pytest.mark.parametrize("turn", (1, -1))
def test_a_component_without_a_source_outlives_restores_of_a_backup_that_has_the_source(turn):
    backups = [tree(own__b_pyc="component"), tree(own__b_py="source", own__b_pyc="code")][::turn]
    now, records = backups[1], []
    for number, overwrite in ((0, True), (1, False), (0, False), (1, False)):
        made = restoring.plan(backups[number], now, records, overwrite=overwrite)
        now = dict((path, made.entry(path)) for path in made.result)
        assert now == backups[number] and made.reasons == {}
        records.append(made.changes)


def test_a_component_without_a_source_comes_back_though_a_record_does_not_know_it():
    wanted, installed = tree(own__b_pyc="component"), tree(own__b_py="source", own__b_pyc="code")
    record = manifest.changes(tree(), tree(own__b_py="source"))
    assert outcome(wanted, installed, [record]) == (wanted, {})


def test_an_empty_cache_holds_no_folder_that_becomes_something_else():
    wanted, now = tree(d=("elsewhere",)), tree(d__a_py="x")
    now["d/__pycache__"] = folder()
    assert outcome(wanted, now, overwrite=True) == (wanted, {})


def test_damaged_markers_refuse_unless_overwritten():
    damaged = SITE + b"# BEGIN ding.blueking\n"
    with pytest.raises(Problem, match="no END.*nothing was restored"):
        conf_plan(SITE, damaged)
    assert conf_plan(SITE, damaged, overwrite=True)[1] == restoring.RESTORE
