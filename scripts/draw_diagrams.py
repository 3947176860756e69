"""Draws docs/images/*.svg: the architecture and the way of a message, in both languages, for light and dark pages.

    python -m scripts.draw_diagrams           writes them
    python -m scripts.draw_diagrams --check   says which it would write, and ends with 1 when there are any
"""

import sys
from html import escape

from sandbox.paths import ROOT

FOLDER = ROOT / "docs" / "images"
STYLE = """\
  text { font-family: "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; fill: #1c2733; }
  .page { fill: #ffffff; } .title { font-size: 15px; font-weight: 600; } .line { font-size: 12.5px; } .label { font-size: 12px; fill: #47586b; }
  .box { fill: #f2f5f9; stroke: #8496aa; } .ours { fill: #e3f0ff; stroke: #2f6fbf; } .zone { fill: none; stroke: #8496aa; stroke-dasharray: 5 4; }
  .arrow { stroke: #47586b; stroke-width: 1.6; fill: none; } .head { fill: #47586b; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e2e9f1; } .page { fill: #151b23; } .label { fill: #a9b7c6; } .box { fill: #232c37; stroke: #7f90a3; }
    .ours { fill: #17324f; stroke: #6aa9f4; } .zone { stroke: #7f90a3; } .arrow { stroke: #a9b7c6; } .head { fill: #a9b7c6; }
  }
"""
LANGUAGES = ("en", "zh")


class Drawing:
    """Boxes with lines of text, and arrows with a label; a text is a pair of English and Chinese."""

    def __init__(self, width, height, title, language):
        self.language = LANGUAGES.index(language)
        said = escape(title[self.language])
        self.parts = [
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">'
            % (width, height, width, height, said),
            "<title>%s</title>" % said, "<style>\n%s</style>" % STYLE,
            '<defs><marker id="head" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto">'
            '<path class="head" d="M0,0 L9,4 L0,8 z"/></marker></defs>',
            '<rect class="page" width="%d" height="%d" rx="10"/>' % (width, height)]

    def box(self, x, y, width, height, title, *lines, kind="box"):
        self.parts.append('<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="7"/>' % (kind, x, y, width, height))
        self.text(x + 12, y + 23, title, "title")
        for number, line in enumerate(lines):
            self.text(x + 12, y + 44 + 18 * number, line, "line")

    def text(self, x, y, words, kind="label"):
        words = words if isinstance(words, str) else words[self.language]
        self.parts.append('<text class="%s" x="%d" y="%d">%s</text>' % (kind, x, y, escape(words)))

    def arrow(self, *points):
        self.parts.append('<polyline class="arrow" points="%s" marker-end="url(#head)"/>' % " ".join("%d,%d" % point for point in points))

    def svg(self):
        return "\n".join([*self.parts, "</svg>"]) + "\n"


def architecture(language):
    d = Drawing(960, 562, ("ding.blueking on a BlueKing platform", "ding.blueking 在蓝鲸平台上的位置"), language)
    d.box(20, 30, 215, 132, ("BlueKing's products", "蓝鲸产品"),
          ("Monitor", "监控平台"), ("Job", "作业平台"), ("SOPS", "标准运维"), "ITSM")
    d.box(20, 386, 215, 154, ("Control host", "中控机"), "ansible-playbook", "/data/install/install.config", ("secrets in a vault", "密码、密钥存放在 vault"),
          ("a copy of the package,", "组件副本，"), ("which outlives upgrades", "平台升级后仍然保留"), kind="ours")
    d.box(345, 30, 300, 417, ("PaaS hosts (any number)", "PaaS 主机（数量不限）"), kind="zone")
    d.box(362, 66, 266, 152, "ESB (open_paas/esb)", ("/cmsi/send_msg/, type ding", "/cmsi/send_msg/，类型 ding"), ("the site's components: untouched",
          "站点自有组件：不改动"))
    d.box(375, 148, 240, 58, ("ding_blueking: the channel", "ding_blueking：钉钉通道"), ("one folder, one marked block",
          "一个目录 + 一段带标记的配置"), kind="ours")
    d.box(362, 232, 266, 58, ("bk-paas-esb-ding: the service", "bk-paas-esb-ding：服务"), ("sends queued messages, merged",
          "合并发送排队的消息"), kind="ours")
    d.box(362, 304, 266, 58, ("ESB of the next host", "下一台主机的 ESB"), ("restarted one at a time", "逐台重启"))
    d.box(362, 376, 266, 58, ("backups, root only", "备份，仅 root 可读"), "/data/backup/ding_blueking")
    d.box(345, 474, 300, 66, ("Database, user management", "数据库、用户管理"), ("four rows, one switch; robot users", "四条通道、一个开关；机器人用户"))
    d.box(735, 30, 205, 92, ("DingTalk: one-to-one", "钉钉：单聊"), ("robot of an internal app", "企业内部应用机器人"), ("found by phone number",
          "按手机号找到成员"))
    d.box(735, 198, 205, 92, ("DingTalk: group robot", "钉钉：群机器人"), ("signed, 20 messages a minute", "加签，每分钟 20 条"),
          ("one robot user = one group", "一个机器人用户 = 一个群"))
    d.arrow((235, 92), (362, 92))
    d.text(250, 84, "send_msg")
    d.arrow((628, 92), (735, 76))
    d.arrow((628, 170), (735, 222))
    d.arrow((628, 261), (735, 261))
    d.text(660, 66, "HTTPS")
    d.text(672, 180, "HTTPS")
    d.text(660, 253, "HTTPS")
    d.arrow((495, 447), (495, 474))
    d.text(503, 465, ("look up", "查询"))
    d.arrow((235, 412), (345, 412))
    d.text(250, 404, ("ssh, in turn", "ssh，逐台"))
    d.arrow((235, 506), (345, 506))
    d.text(250, 498, ("once for all", "全局一次"))
    return d.svg()


def message_flow(language):
    d = Drawing(960, 360, ("The way of one message", "一条消息的流转"), language)
    steps = (
        (("1 request", "1 请求"), (("receiver__username", "receiver__username"), ("title, content", "title、content"))),
        (("2 receivers", "2 接收人"), (("one look-up in user", "查询一次用户管理："), ("management: who is who", "个人、机器人、未知用户"))),
        (("3 text", "3 正文"), (("HTML becomes text or", "HTML 转为文本或"), ("Markdown; long: split", "Markdown；超长则拆分"))),
        (("4 delivery", "4 投递"), (("20 people a call;", "单聊每次 20 人，"), ("12 seconds in all", "总时限 12 秒"))),
        (("5 answer", "5 应答"), (("an outcome for", "每个接收人"), ("each receiver", "各有结果"))),
    )
    for number, (title, lines) in enumerate(steps):
        x = 20 + number * 188
        d.box(x, 30, 168, 90, title, *lines, kind="ours")
        if number:
            d.arrow((x - 20, 75), (x, 75))
    outcomes = (
        ("sent", ("DingTalk accepted it", "钉钉已接收")),
        ("queued", ("waits on its host; the service sends it, merged", "在本机排队，由服务合并发送")),
        ("refused", ("certainly not delivered; the reason is in the answer", "确定未送达，原因见应答")),
        ("uncertain", ("a call without an answer: it may have arrived", "调用没有应答，可能已送达")),
        ("not_tried", ("the deadline or a look-up came first", "时限先到，或查询失败，未尝试发送")),
    )
    d.text(20, 165, ("Each receiver gets one of five outcomes:", "每个接收人得到五种结果之一："), "title")
    for number, (word, meaning) in enumerate(outcomes):
        y = 195 + number * 30
        d.text(36, y, word, "title")
        d.text(140, y, meaning, "line")
    d.box(560, 165, 380, 132, ("What is repeated, within the time", "时限内自动重试"), ("DingTalk was busy, no connection: after 1, 2 and 4 s",
          "钉钉繁忙、连接失败：1、2、4 秒后重试"),
          ("a group message without an answer: never doubled", "群消息无应答：重试，不会重复"),
          ("one-to-one without an answer: once (on_uncertain)", "单聊无应答：重试一次（on_uncertain）"),
          ("refused for speed: queued; 60 s or 10 minutes of rest", "发送过快：排队，机器人暂停 60 秒或 10 分钟"))
    return d.svg()


def made():
    """{path: text} of every drawing."""
    return {FOLDER / ("%s.%s.svg" % (name, language)): draw(language)
            for name, draw in (("architecture", architecture), ("message-flow", message_flow)) for language in LANGUAGES}


def main(words):
    found = [path for path, text in made().items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in found:
        print(path.relative_to(ROOT))
        if words != ["--check"]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(made()[path], "utf-8")
    return 1 if found and words == ["--check"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
