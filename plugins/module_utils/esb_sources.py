# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What only the ESB's own Python can say about sources: whether they compile, where an entry stands, whether they import.

Runs inside the ESB's Python (esb_python.Esb.call). Contents travel as base64 text. Nothing is written but a temporary
folder of the ESB's user, which is gone at the end.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import ast
import base64
import io
import os
import re
import shutil
import sys
import tempfile
import tokenize
import types

from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

PACKAGE = "components.generic.apis"
_CODING = re.compile(br"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_NO_CODE = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
_OPEN, _CLOSE = ("(", "[", "{"), (")", "]", "}")


def compiles(argument):
    """{"files": [[name, content], …]} -> {"python": [major, minor], "faults": [[name, line or None, reason], …]}"""
    faults = []
    for name, content in argument["files"]:
        try:
            compile(base64.b64decode(content), str("<source>"), "exec", 0, True)
        except SyntaxError as error:
            faults.append([name, error.lineno, u"%s" % error.msg])
        except Exception as error:
            faults.append([name, None, u"%s" % error.__class__.__name__])
    return {"python": list(sys.version_info[:2]), "faults": faults}


def without_channels(argument):
    """{"content": conf.py, "channels": {path: component}} -> {"content": without those entries, "taken": [[path, line], …]}

    {"fault": [line, reason]} for one that does not compile. Raises Problem where an entry cannot be
    taken out, or gives a path of ours to another component.
    """
    def choose(tree):
        for node in ast.walk(tree):
            path = text_of(node.elts[0]) if isinstance(node, (ast.Tuple, ast.List)) and len(node.elts) > 1 else None
            if path in argument["channels"]:
                component = value_of(node.elts[1], "comp_codename")
                if component != argument["channels"][path]:
                    raise Problem("Nothing was changed: conf.py gives %s to another component in line %d. Take that entry out, "
                                  "or give it another path." % (path, node.elts[0].lineno))
                yield path, node.elts[0], node, True

    return take_out(base64.b64decode(argument["content"]), "conf.py", choose)


def without_message_type(argument):
    """{"content": CMSI's configs.py, "type": name} -> as without_channels: its entries in msg_type and msg_type_map go."""
    def choose(tree):
        for statement in tree.body:
            if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
                continue
            name, value = statement.targets[0].id, statement.value
            if name == "msg_type" and isinstance(value, ast.List):
                for node in value.elts:
                    if value_of(node, "type") == argument["type"]:
                        yield name, [key for key in node.keys if key is not None and text_of(key) == "type"][0], node, True
            elif name == "msg_type_map" and isinstance(value, ast.Dict):
                for key in value.keys:
                    if key is not None and text_of(key) == argument["type"]:
                        yield name, key, key, False

    return take_out(base64.b64decode(argument["content"]), "configs.py", choose)


def text_of(node):
    """The text of a plain string in a syntax tree, else None."""
    # The first is Python 3.8's and newer, which will give up the second.
    value = getattr(node, "value", None) if node.__class__.__name__ == "Constant" else getattr(node, "s", None)
    if isinstance(value, bytes) and str is bytes:
        return value.decode("utf-8", "replace")
    return value if isinstance(value, type(u"")) else None


def value_of(node, wanted):
    """The text under a key of a dict in a syntax tree, else None."""
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values):
            if key is not None and text_of(key) == wanted:
                return text_of(value)
    return None


def take_out(content, name, choose):
    """Takes what `choose` yields out of the text: (what, its string, its node, whether it is inside a bracket of its own).

    The string is where a search in the tokens starts: the position of a tuple is not known in Python before 3.8. The syntax
    tree of what is left is compared with the one that is wanted, so that nothing else can have changed.
    """
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, TypeError) as error:
        return {"fault": [getattr(error, "lineno", None), u"%s" % (getattr(error, "msg", error),)]}
    chosen = list(choose(tree))
    if not chosen:
        return {"content": base64.b64encode(content).decode("ascii"), "taken": []}
    source = Source(content)
    spans = [source.span(string, bracketed) for what, string, node, bracketed in chosen]
    elements = [each for node in ast.walk(tree) for each in (node.elts if isinstance(node, (ast.List, ast.Tuple)) else getattr(node, "keys", ()))]
    for (what, string, node, bracketed), span in zip(chosen, spans):
        if span is None or node not in elements:
            raise Problem("Nothing was changed: %s has an entry in line %d that cannot be taken out on its own (%s). Take it out by hand."
                          % (name, string.lineno, what))
    rest = source.without(spans)
    prune(tree, [node for what, string, node, bracketed in chosen])
    try:
        exact = ast.dump(ast.parse(rest)) == ast.dump(tree)
    except (SyntaxError, ValueError, TypeError):
        exact = False
    if not exact:
        raise Problem("Nothing was changed: the entries of the manual release cannot be taken out of %s (lines %s) without changing more. "
                      "Take them out by hand." % (name, ", ".join(str(string.lineno) for what, string, node, bracketed in chosen)))
    return {"content": base64.b64encode(rest).decode("ascii"), "taken": [[what, string.lineno] for what, string, node, bracketed in chosen]}


def prune(tree, gone):
    """Takes nodes out of the lists, tuples and dicts of a syntax tree; for a dict, the node is a key."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.List, ast.Tuple)):
            node.elts = [each for each in node.elts if each not in gone]
        elif isinstance(node, ast.Dict):
            kept = [(key, value) for key, value in zip(node.keys, node.values) if key not in gone]
            node.keys, node.values = [key for key, value in kept], [value for key, value in kept]


class Source:
    """The tokens of a source file, comments and line breaks left out, with the bracket that each stands in."""

    def __init__(self, content):
        self._mark = b"\xef\xbb\xbf" if content.startswith(b"\xef\xbb\xbf") else b""
        content = content[len(self._mark):]
        found = [match.group(1) for match in map(_CODING.match, content.split(b"\n", 2)[:2]) if match]
        self._encoding = found[0].decode("ascii") if found and not self._mark else "utf-8"
        self._text = content.decode(self._encoding)
        self._starts = [0]
        for line in io.StringIO(self._text, newline="\n"):
            self._starts.append(self._starts[-1] + len(line))
        self._tokens = [token for token in tokenize.generate_tokens(io.StringIO(self._text, newline="\n").readline)
                        if token[0] not in _NO_CODE]
        self._parent, self._end = [], {}
        opened = []
        for number, token in enumerate(self._tokens):
            if token[1] in _CLOSE and opened:
                self._end[opened.pop()] = number
            self._parent.append(opened[-1] if opened else None)
            if token[1] in _OPEN:
                opened.append(number)

    def span(self, string, bracketed):
        """(first, behind) offsets in the text of the element of a list, tuple or dict that a string node begins; else None."""
        line = self._text[self._starts[string.lineno - 1]:self._starts[string.lineno]]
        column = len(line.encode("utf-8")[:string.col_offset].decode("utf-8", "replace"))
        here = [number for number, token in enumerate(self._tokens) if token[2] == (string.lineno, column)]
        if not here or string.col_offset < 0:
            return None
        first = self._parent[here[0]] if bracketed else here[0]
        container = self._parent[first] if first is not None else None
        if container is None:
            return None
        behind = self._end[first] + 1 if bracketed else first
        while not bracketed and not (self._parent[behind] == container and self._tokens[behind][1] == ",") and behind != self._end[container]:
            behind += 1
        if first - 1 != container and self._tokens[first - 1][1] != "," or behind != self._end[container] and self._tokens[behind][1] != ",":
            return None
        last = behind if self._tokens[behind][1] == "," else behind - 1
        # The last of one line takes the comma before it along; a tuple of one needs it.
        same_line = self._tokens[first - 1][3][0] == self._tokens[first][2][0]
        if last < behind and first - 1 != container and self._tokens[container][1] != "(" and same_line:
            first -= 1
        return self._whole_lines(self._offset(self._tokens[first][2]), self._offset(self._tokens[last][3]))

    def without(self, spans):
        kept, at = [], 0
        # Two neighbours may both claim the comma between them.
        for first, behind in sorted(spans):
            kept.append(self._text[at:max(at, first)])
            at = max(at, behind)
        return self._mark + u"".join(kept + [self._text[at:]]).encode(self._encoding)

    def _offset(self, position):
        return self._starts[position[0] - 1] + position[1]

    def _whole_lines(self, first, behind):
        """The span with its lines' indentation and end when nothing else stands on them, else with the blanks before it."""
        start = self._text.rfind("\n", 0, first) + 1
        end = self._text.find("\n", behind) + 1 or len(self._text)
        if not self._text[start:first].strip() and not self._text[behind:end].strip():
            return start, end
        blanks = len(self._text[start:first]) - len(self._text[start:first].rstrip(" \t"))
        return (first - blanks if blanks < first - start else first), behind


def imports(argument):
    """{"files": [[path in apis, content], …], "only": [module, …] or None} -> {"failed": [[module, reason], …]}

    Imports from a copy of `apis` made of these files what the ESB would import, and the helpers as well.
    """
    import django
    django.setup()
    import components.generic
    place = tempfile.mkdtemp()
    try:
        names = []
        for path, content in argument["files"]:
            whole = os.path.join(place, *path.split("/"))
            if not os.path.isdir(os.path.dirname(whole)):
                os.makedirs(os.path.dirname(whole))
            with open(whole, "wb") as handle:
                handle.write(base64.b64decode(content))
            if path.endswith(".py") or str is bytes and path.endswith(".pyc"):
                names.append(path.rsplit(".", 1)[0].replace("/", "."))
        for name in [name for name in sys.modules if name == PACKAGE or name.startswith(PACKAGE + ".")]:
            del sys.modules[name]
        apis = sys.modules[PACKAGE] = types.ModuleType(str(PACKAGE))
        apis.__path__ = [place]
        components.generic.apis = apis
        return {"failed": failed([name for name in sorted(set(names)) if argument["only"] is None or name in argument["only"]])}
    finally:
        shutil.rmtree(place, ignore_errors=True)


def failed(names):
    found = []
    for name in names:
        if name.split(".")[-1] == "__init__":
            continue
        try:
            __import__("%s.%s" % (PACKAGE, name))
        except BaseException as error:
            lines = [line.strip() for line in (u"%s" % (error,)).splitlines() if line.strip()] or [u""]
            found.append([name, (u"%s: %s" % (error.__class__.__name__, lines[-1])).rstrip(u": ")])
    return found
