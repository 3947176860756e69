"""What DingTalk's client shows of a message, as HTML that is safe: everything is escaped, only our own tags are added.

DingTalk's markdown: headings, quote, bold, italic, link, image, lists. A line break needs two spaces before the newline;
there are no tables and no code blocks, and HTML is text.
"""

import re
from html import escape
from urllib.parse import urlsplit

HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*\s*$")
BULLET = re.compile(r"\s{0,3}[-*+]\s+(.*)$", re.S)
NUMBER = re.compile(r"\s{0,3}(\d{1,9})[.)]\s+(.*)$", re.S)
QUOTE = re.compile(r"\s{0,3}>\s?(.*)$", re.S)
RULE = re.compile(r"\s{0,3}([-*_])(\s*\1){2,}\s*$")
# The lengths are bounded so that a hostile message cannot make the search quadratic.
INLINE = re.compile(
    r"!\[(?P<alt>[^\]\n]{0,300})\]\((?P<src>[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)"
    r"|\[(?P<label>[^\]\n]{1,300})\]\((?P<href>[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)"
    r"|(?P<strong>\*\*|__)(?=\S)(?P<bold>.{1,600}?)(?<=\S)(?P=strong)"
    r"|(?<![\w*])(?P<em>\*|_)(?=[^\s*_])(?P<italic>[^*_\n]{1,600}?)(?<=\S)(?P=em)(?!\w)"
    r"|\\(?P<escaped>[\\`*_{}\[\]()#+\-.!>])",
    re.S)
BARE_LINK = re.compile(r"https?://[^\s<>\"'，。；、）】]+")
# Nested quotes and lists beyond this are shown as plain text.
MAX_DEPTH = 8


def safe_link(url):
    """The URL when it is http or https with a host, else None: nothing else may become a link."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    return url.strip() if parts.scheme.lower() in ("http", "https") and parts.netloc else None


def _anchor(url, inner):
    return '<a href="%s" target="_blank" rel="noopener noreferrer nofollow">%s</a>' % (escape(url, quote=True), inner)


def _image(alt, source):
    """A placeholder: the sandbox fetches nothing from outside."""
    inner = '<span class="image-mark" aria-hidden="true"></span><span>%s</span>' % escape(alt or "image")
    url = safe_link(source)
    box = '<span class="image" title="%s">%s</span>' % (escape(source, quote=True), inner)
    return _anchor(url, box) if url else box


class Renderer:
    """Renders one message; `mentions` maps the text after @ to the name shown."""

    def __init__(self, mentions):
        self._names = mentions
        words = sorted((re.escape(word) for word in mentions), key=len, reverse=True)
        self._mention = re.compile("@(%s)" % "|".join(words)) if words else None

    def plain(self, text):
        """Escaped text with the mentions marked."""
        if self._mention is None:
            return escape(text)
        parts, position = [], 0
        for match in self._mention.finditer(text):
            parts.append(escape(text[position:match.start()]))
            parts.append('<span class="mention" title="%s">@%s</span>'
                         % (escape(match.group(1), quote=True), escape(self._names[match.group(1)])))
            position = match.end()
        parts.append(escape(text[position:]))
        return "".join(parts)

    def text(self, text):
        """A text message: line breaks are kept, bare URLs become links."""
        parts, position = [], 0
        for match in BARE_LINK.finditer(text):
            parts.append(self.plain(text[position:match.start()]))
            url = safe_link(match.group())
            parts.append(_anchor(url, escape(match.group())) if url else self.plain(match.group()))
            position = match.end()
        parts.append(self.plain(text[position:]))
        return '<div class="plain">%s</div>' % "".join(parts)

    def inline(self, text, depth=0):
        if depth > MAX_DEPTH:
            return self.plain(text)
        parts, position = [], 0
        for match in INLINE.finditer(text):
            parts.append(self.plain(text[position:match.start()]))
            parts.append(self._span(match, depth))
            position = match.end()
        parts.append(self.plain(text[position:]))
        return "".join(parts)

    def _span(self, match, depth):
        found = match.groupdict()
        if found["src"] is not None:
            return _image(found["alt"], found["src"])
        if found["href"] is not None:
            inner, url = self.inline(found["label"], depth + 1), safe_link(found["href"])
            return _anchor(url, inner) if url else '<span class="no-link" title="not a web link">%s</span>' % inner
        if found["bold"] is not None:
            return "<strong>%s</strong>" % self.inline(found["bold"], depth + 1)
        if found["italic"] is not None:
            return "<em>%s</em>" % self.inline(found["italic"], depth + 1)
        return escape(found["escaped"])

    def _paragraph(self, lines):
        """Lines run together, except after two spaces; Chinese lines join without a space only in the browser's eyes."""
        joined = "\n".join(lines)
        return "<br>".join(self.inline(part.strip()) for part in re.split(r" {2,}\n", joined))

    def markdown(self, text, depth=0):
        if depth > MAX_DEPTH:
            return self.plain(text)
        blocks, lines = [], text.replace("\r\n", "\n").split("\n")
        index = 0
        while index < len(lines):
            block, index = self._block(lines, index, depth)
            if block:
                blocks.append(block)
        return "".join(blocks)

    def _block(self, lines, index, depth):
        """One block that begins at lines[index], and the index after it."""
        line = lines[index]
        if not line.strip():
            return "", index + 1
        heading = HEADING.match(line.strip())
        if heading:
            level = len(heading.group(1))
            return "<h%d>%s</h%d>" % (level, self.inline(heading.group(2)), level), index + 1
        if RULE.match(line):
            return "<hr>", index + 1
        if QUOTE.match(line):
            return self._quote(lines, index, depth)
        if BULLET.match(line):
            return self._list(lines, index, BULLET, "ul", "")
        number = NUMBER.match(line)
        if number:
            return self._list(lines, index, NUMBER, "ol", ' start="%d"' % int(number.group(1)))
        end = index + 1
        while end < len(lines) and lines[end].strip() and not _begins_block(lines[end]):
            end += 1
        return "<p>%s</p>" % self._paragraph(lines[index:end]), end

    def _quote(self, lines, index, depth):
        inner = []
        while index < len(lines) and lines[index].strip():
            match = QUOTE.match(lines[index])
            if match is None and _begins_block(lines[index]):
                break
            inner.append(match.group(1) if match else lines[index])
            index += 1
        return "<blockquote>%s</blockquote>" % self.markdown("\n".join(inner), depth + 1), index

    def _list(self, lines, index, pattern, tag, attribute):
        items = []
        while index < len(lines) and lines[index].strip():
            match = pattern.match(lines[index])
            if match:
                items.append([match.group(match.lastindex)])
            elif _begins_block(lines[index]):
                break
            else:
                items[-1].append(lines[index])
            index += 1
        rendered = "".join("<li>%s</li>" % self._paragraph(item) for item in items)
        return "<%s%s>%s</%s>" % (tag, attribute, rendered, tag), index


def _begins_block(line):
    return bool(HEADING.match(line.strip()) or RULE.match(line) or QUOTE.match(line) or BULLET.match(line) or NUMBER.match(line))


def render(message, mentions):
    """The HTML of one stored message (see state.State.add_message)."""
    renderer = Renderer(mentions)
    if message["msgtype"] == "text":
        return renderer.text(message["text"])
    body = renderer.markdown(message["text"])
    if message["msgtype"] == "markdown":
        return body
    title = '<div class="card-title">%s</div>' % escape(message["title"]) if message["title"] else ""
    return '<div class="card">%s%s</div>' % (title, body)
