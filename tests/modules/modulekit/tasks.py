"""A task as a test writes it, its result as a test reads it, and the playbook between them."""

from dataclasses import dataclass, field

import yaml


@dataclass(frozen=True)
class Task:
    """One task: a module's full name, its arguments, and the keywords that Ansible knows for a task."""

    module: str
    args: dict = field(default_factory=dict)
    check: bool = False
    diff: bool = True
    # None: as the runner has it (as_login: become root).
    become: bool | None = None
    become_user: str = ""
    environment: dict = field(default_factory=dict)
    no_log: bool = False
    name: str = ""

    def as_play_task(self, name):
        task = {"name": name, self.module: dict(self.args), "check_mode": self.check, "diff": self.diff,
                "ignore_errors": True, "ignore_unreachable": True}
        if self.become is not None or self.become_user:
            task["become"] = bool(self.become or self.become_user)
        for keyword in ("become_user", "environment", "no_log"):
            if getattr(self, keyword):
                task[keyword] = getattr(self, keyword)
        return task


class Result:
    """What one task came to. `data` is the raw result, `stdout` and `rc` are the whole ansible-playbook run's."""

    def __init__(self, outcome, data, stdout="", rc=None):
        self.outcome, self.data, self.stdout, self.rc = outcome, data, stdout, rc

    @property
    def changed(self):
        return bool(self.data.get("changed"))

    @property
    def failed(self):
        return self.outcome in ("failed", "unreachable")

    @property
    def skipped(self):
        return self.outcome == "skipped"

    @property
    def msg(self):
        return self.data.get("msg", "")

    @property
    def diff(self):
        """The diff as the module returned it (a dict or a list); None when there is none."""
        return self.data.get("diff")

    @property
    def diffs(self):
        """The diff as a list, always; parts that show no difference are left out."""
        found = self.diff or []
        found = found if isinstance(found, list) else [found]
        return [part for part in found if part.get("before") != part.get("after") or part.get("prepared")]

    def __repr__(self):
        return "<%s, changed=%s: %r>" % (self.outcome, self.changed, self.data)


class _Unsafe(str):
    """A text that Ansible must not take for a template."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data):
        return True


_Dumper.add_representer(_Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"'))


def dump(plays):
    """Plays as a playbook's text."""
    return yaml.dump(plays, Dumper=_Dumper, allow_unicode=False, sort_keys=False, width=4096)


def literal(value):
    """The same value, with texts that look like templates marked as not to be templated."""
    if isinstance(value, dict):
        return {key: literal(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [literal(each) for each in value]
    if isinstance(value, str) and any(mark in value for mark in ("{{", "{%", "{#")):
        return _Unsafe(value)
    return value
