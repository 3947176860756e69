"""Spelling: codespell for what is written in English, a list of wrong forms and of half-width marks for Chinese."""

import re
import subprocess

import docskit
import pytest

from tests.run import ansible_envs, static

ENGLISH = ("*.md", "*.rst", "docs/errors.yml", "changelogs/fragments/*.yml", "roles/*/meta/*.yml", "roles/*/tasks/*.yml", "playbooks/*.yml",
           "plugins/*.py", "files/components/*.py", "sandbox/*.py", "scripts/*.py", "inventory.example", "galaxy.yml")
# The sandbox's ESB says what the real one says, with its misspellings.
# Right words that codespell takes for wrong ones.
RIGHT = "ans,caf,nd,ot,reenable,te,ue"
# What must not be written, and what is written in its place.
WRONG = {
    "帐号": "账号", "帐户": "账户", "登陆": "登录", "其它": "其他", "做为": "作为", "缺省": "默认", "布署": "部署", "阀值": "阈值",
    "配制": "配置", "布暑": "部署", "即可以": "即可", "丁丁": "钉钉", "兰鲸": "蓝鲸", "蓝鲸智云": "蓝鲸", "按装": "安装", "的的": "的",
    "了了": "了", "您": "（不用称呼）", "你": "（不用称呼）", "Webhook": "webhook", "Markdwon": "Markdown", "dingding": "钉钉", "Dingtalk": "DingTalk",
}
TRADITIONAL = "運維檔設區應發頁時類錯讀寫圖關閉開啟腳對於單聯絡環測試執變數"
_HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:?!](?![/\w])|[\u4e00-\u9fff]\.(?:\s|$)")


def test_english_words_are_spelt_right():
    program = ansible_envs.docs() / "codespell"
    names = [name for name in static.tracked(*ENGLISH) if not re.search(r"/zh|zh-CN|/tags\.py|^sandbox/esb/", name)]
    done = subprocess.run([program, "--ignore-words-list", RIGHT, *names], cwd=docskit.ROOT, capture_output=True, text=True)
    assert done.stdout + done.stderr == "" and done.returncode == 0


def test_codespell_finds_a_wrong_word(tmp_path):
    (tmp_path / "page.md").write_text("To rec" + "ieve a message.\n", "utf-8")
    assert subprocess.run([ansible_envs.docs() / "codespell", tmp_path / "page.md"], capture_output=True).returncode == 65


@pytest.mark.parametrize("page", docskit.pages("README.zh-CN.md", "docs/zh/*.md", "files/components/*/zh_hans/*.md"))
def test_chinese_words_are_the_usual_ones(page):
    text = docskit.prose(page)
    found = ["%s, not %s" % (right, wrong) for wrong, right in WRONG.items() if wrong in text]
    assert found + [letter for letter in TRADITIONAL if letter in text] == []


@pytest.mark.parametrize("page", docskit.pages("README.zh-CN.md", "docs/zh/*.md"))
def test_chinese_sentences_have_chinese_marks(page):
    assert _HALF_WIDTH.findall(docskit.prose(page)) == []
