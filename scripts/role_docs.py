"""Makes what follows from the roles' argument_specs: the table of variables in each role's README, and the variables of the
other roles in preflight's own specification, which is how one task checks all of them before anything is changed.

    python -m scripts.role_docs           writes both
    python -m scripts.role_docs --check   says which files it would write, and ends with 1 when there are any

tests/packaging runs the check, and compares the specifications with defaults/main.yml.
"""

import json
import sys

import yaml

from sandbox.paths import ROOT

ROLES = ("common", "preflight", "backup", "install", "restart", "service", "register", "configure", "verify", "rollback")
BEGIN, END = "<!-- made by scripts/role_docs.py -->\n", "<!-- end -->\n"
FROM_HERE = "      # From here on made by scripts/role_docs.py from the other roles' specifications.\n"
# Where a line may be broken; PyYAML looks for a blank behind it.
WIDTH = 118
ARGUMENTS = """\
  arguments:
    short_description: Checks the variables of all roles, and does nothing else
    description: Every playbook includes it first, so that a misspelt value ends a run before anything is looked at.
    options: *variables
"""


class _Dumper(yaml.SafeDumper):
    """Lists are indented, as yamllint has it."""

    def increase_indent(self, flow=False, indentless=False):
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data):
        return True


def load(role, path):
    return yaml.safe_load((ROOT / "roles" / role / path).read_text("utf-8")) or {}


def defaults(role):
    path = ROOT / "roles" / role / "defaults" / "main.yml"
    return load(role, "defaults/main.yml") if path.is_file() else {}


def options(role):
    """{variable: its specification} of a role, without what preflight has of other roles."""
    points = load(role, "meta/argument_specs.yml")["argument_specs"]
    found = points["variables" if role == "common" else "main"].get("options") or {}
    return {name: found[name] for name in found if name in defaults(role)} if role == "preflight" else found


def all_options():
    found = {}
    for role in ROLES:
        found.update({name: option for name, option in options(role).items() if name not in found})
    return found


def table(role):
    """The README's part about variables."""
    lines = ["| variable | type | default | meaning |", "|---|---|---|---|"]
    for name, value in defaults(role).items():
        option = options(role).get(name, {})
        lines.append("| `%s` | %s | %s | %s |" % (name, kind(option), shown(value), meaning(option)))
    return "\n".join(lines) + "\n" if defaults(role) else "None of its own.\n"


def kind(option):
    words = option.get("type", "str") + (" of " + option["elements"] if "elements" in option else "")
    return words + (", secret" if option.get("no_log") else "")


def shown(value):
    """A default as it stands in YAML, on one line."""
    text = " ".join(value.split()) if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return "`%s`" % text.replace("|", "\\|")


def meaning(option):
    said = option.get("description", "")
    text = " ".join(said if isinstance(said, list) else [said])
    return (text + (" One of %s." % ", ".join(map(str, option["choices"])) if "choices" in option else "")).replace("|", "\\|")


def readme(role):
    text = (ROOT / "roles" / role / "README.md").read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + "\n" + table(role) + "\n" + END + rest.partition(END)[2]


def preflight():
    text = (ROOT / "roles" / "preflight" / "meta" / "argument_specs.yml").read_text("utf-8")
    own = options("preflight")
    others = {name: option for name, option in all_options().items() if name not in own}
    dumped = yaml.dump(others, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)
    return text.partition(FROM_HERE)[0] + FROM_HERE + "".join("      " + line for line in dumped.splitlines(True)) + ARGUMENTS


def made():
    """{path: text} of every file that is made, as it should be."""
    files = {ROOT / "roles" / role / "README.md": readme(role) for role in ROLES}
    files[ROOT / "roles" / "preflight" / "meta" / "argument_specs.yml"] = preflight()
    return files


def stale():
    return [str(path.relative_to(ROOT)) for path, text in made().items() if path.read_text("utf-8") != text]


def main(words):
    found = stale()
    for name in found:
        print(name)
    if words == ["--check"]:
        return 1 if found else 0
    for path, text in made().items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
