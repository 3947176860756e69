# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The manual release that an operator unpacked into components/generic/apis: recognised, and what has to go. Pure functions.

It is a whole copy of the platform's CMSI with three components of ours in it, two more folders, and a conf.py. Files
count as its own by their sha256, whatever version they are of; everything else is the site's and stays.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import collections
import hashlib
import re

from ansible_collections.ding.blueking.plugins.module_utils import our_channels
from ansible_collections.ding.blueking.plugins.module_utils import package
from ansible_collections.ding.blueking.plugins.module_utils.original_sums import SUMS
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

FOLDERS = ("cmsi", "dingbot", "dingtalk")
CONFIGS = "cmsi/toolkit/configs.py"
COMPONENTS = ("cmsi/send_ding.py", "cmsi/send_dingbot.py", "cmsi/send_dingtalk.py")
CHANNELS = dict((path, "generic.cmsi." + path.strip("/").split("/")[-1]) for path in our_channels.SENDING_PATHS)
# Unpacked beside the folders. Not its __init__.py and conf.py: the platform has those itself.
BESIDE = (".assets", ".gitignore", "README.md")
_CLASS = re.compile(br"^class\s+Send(Ding|Dingbot|Dingtalk)\s*[(:]", re.MULTILINE)
_SYSTEM = re.compile(br"""^\s+sys_name\s*=\s*u?["']([^"']*)["']""", re.MULTILINE)
_SYSTEM_NAME = re.compile(br"""^SYSTEM_NAME\s*=\s*u?["']([^"']*)["']""", re.MULTILINE)
_NOT_WALKED = ("toolkit", "apidoc")
# No file of the release, and no source that anybody writes, is longer.
READ_BYTES = 1000000

# Paths are relative to apis. gone: files and whole folders; kept: what the site changed or added in the release's folders;
# configs: whether the ding entries have to be taken out of CMSI's configs.py; files: every single file that goes.
Plan = collections.namedtuple("Plan", "gone kept configs files")


def reads(path, size):
    """Whether a file's content says anything about the release: for apis_tree."""
    path = path.split("/", 1)[-1]
    return size <= READ_BYTES and (path.endswith(".py") or path.split("/")[0] in FOLDERS + BESIDE)


def is_known(path, entry):
    """Whether it is a file of some published version at its own place."""
    return entry.kind == "file" and entry.content is not None and hashlib.sha256(entry.content).hexdigest() in SUMS.get(path, ())


def found_in(tree):
    """What of the release is in apis, or would get in its way: paths, sorted; [] when it is not there."""
    found = [path for path, entry in tree.items() if entry.kind in ("file", "link") and _is_sign(path, entry, tree)]
    return sorted(set(found + other_providers(tree)))


def names_channels(conf):
    """Whether conf.py may hold an entry of ours: only then is it worth a syntax tree."""
    return conf is not None and any(path.encode("ascii") in conf for path in our_channels.SENDING_PATHS)


def _is_sign(path, entry, tree):
    source = package.source_of(path)
    if path in COMPONENTS or source in COMPONENTS and source not in tree:
        return True
    # An empty file, or one that the platform's own CMSI has as well, proves nothing.
    return bool(entry.content) and is_known(path, entry) and (path == CONFIGS or path.split("/")[0] in ("dingbot", "dingtalk"))


def other_providers(tree):
    """Files elsewhere in apis in which the ESB would find one of our components: a copy of the release, or the site's own."""
    return sorted(path for path, entry in tree.items() if path not in COMPONENTS and entry.kind == "file" and entry.content is not None
                  and _is_imported(path) and _CLASS.search(entry.content) and "cmsi" in _systems(path.split("/")[:-1], entry, tree))


def _is_imported(path):
    """Whether the ESB looks for a component in this file of apis; our own folder does not count."""
    folders, name = path.split("/")[:-1], path.split("/")[-1]
    return (name.endswith(".py") and not name.startswith("_") and folders[:1] != [our_channels.PACKAGE]
            and not "".join(folders[-1:]).endswith(_NOT_WALKED) and not any("." in folder for folder in folders))


def _systems(folders, entry, tree):
    """The names of the systems that a file's components may belong to; CMSI where nothing says so plainly."""
    names = _SYSTEM.findall(entry.content)
    configs = tree.get("/".join(folders + ["toolkit", "configs.py"]))
    if not names and b"configs.SYSTEM_NAME" in entry.content and configs is not None and configs.content and configs.kind == "file":
        names = _SYSTEM_NAME.findall(configs.content)
    return [name.decode("ascii", "replace").lower() for name in names] or ["cmsi"]


def plan(tree):
    """What goes and what stays. Raises Problem for a file that provides one of our components and is not the release's."""
    others = other_providers(tree) + [path for path in COMPONENTS if path in tree and not is_known(path, tree[path])]
    if others:
        raise Problem("Nothing was changed: there are files that provide a component of ours as well and are not as the manual release was "
                      "published, so they are not taken away. Move them out of components/generic/apis, then start again: %s"
                      % ", ".join(sorted(others)))
    goes, kept, configs = set(), [], False
    for folder in FOLDERS:
        inside = dict((path, tree[path]) for path in tree if path.startswith(folder + "/"))
        if tree.get(folder) is None or tree[folder].kind != "folder" or not any(_is_sign(path, inside[path], tree) for path in inside):
            continue
        own = set(path for path, entry in inside.items() if is_known(path, entry) or _is_byte_code_of_release(path, tree))
        site = [path for path, entry in inside.items()
                if entry.kind != "folder" and path not in own and package.source_of(path) not in tree]
        if folder == "cmsi" and CONFIGS in inside and CONFIGS not in own:
            # The site's settings are in this copy of CMSI: it stays in use, without our components.
            own = set(path for path in own if path in COMPONENTS or package.source_of(path) in COMPONENTS)
            configs = True
        goes |= own - needed_by(site)
        kept += site
    if goes:
        goes |= set(path for path in tree if path.split("/")[0] in BESIDE and is_known(path, tree[path])
                    # A site that keeps its apis under git has a .gitignore of its own.
                    and not (path == ".gitignore" and ".git" in tree))
    return Plan(_whole_folders(goes, tree), sorted(kept), configs, sorted(goes))


def needed_by(paths):
    """The __init__.py of the folders in which sources stay: without them Python 2.7 imports nothing from there."""
    found = set()
    for path in paths:
        parts = path.split("/") if path.endswith((".py", ".pyc", ".pyo")) else []
        found.update("/".join(parts[:length] + ["__init__.py"]) for length in range(1, len(parts)))
    return found


def _is_byte_code_of_release(path, tree):
    source = package.source_of(path)
    return source in SUMS and source not in tree


def _whole_folders(goes, tree):
    """The files that go, or in their place the folder of which nothing stays but byte code of theirs."""
    def empties(folder):
        return all(path in goes or tree[path].kind == "folder" or package.source_of(path) in goes
                   for path in tree if path.startswith(folder + "/"))

    gone = set()
    for path in goes:
        parts = path.split("/")
        heads = ["/".join(parts[:length]) for length in range(1, len(parts))]
        gone.add(next((head for head in heads if empties(head)), path))
    return sorted(gone)


def refusal(found, apis):
    return ("The manual release of a DingTalk channel is in %s (%s). Two files would provide one component, so nothing was changed: set "
            "replace_original: true to have its files and entries taken out, or take them out by hand." % (apis, ", ".join(found)))
