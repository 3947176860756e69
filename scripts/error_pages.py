"""Makes docs/en/errors.md and docs/zh/errors.md from docs/errors.yml, and says which text of the source has no entry there.

    python -m scripts.error_pages           writes both pages
    python -m scripts.error_pages --check   says which page it would write, and which texts differ, and ends with 1 when there are any

Every text of three words or more in plugins/ and files/components/, and every message with which a role or a playbook ends a run, is either seen by
an entry (`see`), or named in `no_errors`. In an entry `…` stands for what the source fills in. `phrases` are parts of texts that Jinja makes.
"""

import ast
import re
import sys

import yaml

from sandbox.paths import ROOT
from tests.run import static

SOURCE = ROOT / "docs" / "errors.yml"
LANGUAGES = ("en", "zh")
HEADS = {
    "en": ("# Errors", "中文: [zh](../zh/errors.md) · [all guides](README.md)",
           "Made by `make docs` from [errors.yml](../errors.yml). `…` stands for names, numbers, or another text of this page. "
           "What is in quotation marks behind *It says* is the other side's own.", "you see", "do that"),
    "zh": ("# 错误与处理", "English: [en](../en/errors.md) · [全部文档](README.md)",
           "由 `make docs` 根据 [errors.yml](../errors.yml) 生成。`…` 代表名称、数字，或本页的另一段文字。"
           "错误信息为英文，*It says* 之后引号中的内容是对方的原话。",
           "看到", "处理"),
}
_NO_TEXT = ("DOCUMENTATION", "EXAMPLES", "RETURN")
_FILLED = re.compile(r"%(?:\([a-z_]+\))?[-0-9.]*[sdrgox]")
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.S)
_CALLS = ("logger", "logger_api", "re")


def normal(text):
    """A text as an entry has it."""
    return " ".join(_FILLED.sub("…", text).replace("%%", "%").split())


def python_texts(source):
    """The texts of three words or more of a module, but for docstrings, its documentation, patterns and what is logged."""
    tree, passed_over = ast.parse(source), set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            passed_over.add(id(body[0].value))
        if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id in _NO_TEXT for target in node.targets):
            passed_over.update(map(id, ast.walk(node)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) and node.func.value.id in _CALLS:
            passed_over.update(map(id, ast.walk(node)))
    found = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed_over)
    return {normal(text) for text in found if text.count(" ") >= 2 and re.search("[a-z]{2}", text) and "\n" not in text.strip()}


def task_texts(tasks):
    """The messages of `fail` and `assert` in a list of tasks or plays."""
    found = set()
    for task in tasks or []:
        for key in ("block", "rescue", "always", "tasks"):
            found |= task_texts(task.get(key) if isinstance(task, dict) else None)
        for module, option in (("ansible.builtin.fail", "msg"), ("ansible.builtin.assert", "fail_msg")):
            said = (task.get(module) or {}).get(option) if isinstance(task, dict) else None
            if said:
                text = " ".join(_JINJA.sub("…", said if not said.startswith("{{ [") else "… the channel does not work as it should.…").split())
                if re.search("[a-z]{3} ", text):
                    found.add(text)
    return found


def collected():
    """{file: texts}"""
    found = {name: python_texts((ROOT / name).read_text("utf-8")) for name in static.tracked("plugins/*.py", "files/components/*.py")
             if "/doc_fragments/" not in name}
    for name in static.tracked("roles/*/tasks/*.yml", "playbooks/*.yml"):
        found[name] = task_texts(yaml.safe_load((ROOT / name).read_text("utf-8")))
    return {name: texts for name, texts in found.items() if texts}


def problems():
    """Lines about texts without an entry, and about entries whose text is in no source any more."""
    book, found = load(), collected()
    seen = [text for group in book["groups"] for entry in group["entries"] for text in entry.get("see", [])]
    named = set(seen) | {text for texts in book["no_errors"].values() for text in texts}
    lines = ["%s: no entry in docs/errors.yml: %s" % (name, text) for name, texts in found.items() for text in sorted(texts - named)]
    lines += ["docs/errors.yml: in no source any more: %s" % text for text in sorted(named - set().union(*found.values()))]
    lines += ["docs/errors.yml: twice: %s" % text for text in sorted({text for text in seen if seen.count(text) > 1})]
    roles = " ".join(" ".join((ROOT / name).read_text("utf-8").split()) for name in static.tracked("roles/*.yml", "plugins/*.py"))
    lines += ["docs/errors.yml: in no role or plugin any more: %s" % phrase for group in book["groups"] for entry in group["entries"]
              for phrase in entry.get("phrases", []) if phrase not in roles]
    return lines


def load():
    return yaml.safe_load(SOURCE.read_text("utf-8"))


def page(language):
    title, links, about, see, do = HEADS[language]
    lines = [title, "", links, "", about]
    for group in load()["groups"]:
        lines += ["", "## " + group[language], "", "| %s | %s |" % (see, do), "|---|---|"]
        for entry in group["entries"]:
            texts = [*entry.get("see", []), *("… %s …" % phrase for phrase in entry.get("phrases", []))]
            lines.append("| %s | %s |" % ("<br>".join(_code(text) for text in texts), entry[language]))
    return "\n".join(lines) + "\n"


def _code(text):
    text = text.strip(" ;:,").replace("|", "\\|")
    return ("`` %s ``" if "`" in text else "`%s`") % text


def made():
    return {ROOT / "docs" / language / "errors.md": page(language) for language in LANGUAGES}


def main(words):
    check, found = words == ["--check"], problems()
    stale = [path for path, text in made().items() if not path.is_file() or path.read_text("utf-8") != text]
    print("\n".join([*found, *(str(path.relative_to(ROOT)) for path in stale)]))
    for path in [] if check else stale:
        path.write_text(made()[path], "utf-8")
    return 1 if found or (check and stale) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
