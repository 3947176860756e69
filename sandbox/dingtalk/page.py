"""The chat page at / and the feed it polls: conversations and rendered messages, never a token or a secret."""

import hashlib
from pathlib import Path

from aiohttp import web

from sandbox.dingtalk.markdown import render

FILES = Path(__file__).with_name("page")
TYPES = {"index.html": "text/html", "chat.css": "text/css", "chat.js": "text/javascript"}
# The page holds as many messages as a browser shows without effort.
FEED_LIMIT = 500
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
                               "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def _key(message):
    """A conversation's key without the robot's token in it."""
    return hashlib.sha256(("%s %s" % (message["kind"], message["to"])).encode("utf-8", "replace")).hexdigest()[:16]


def mentions_of(state, at):
    """{text after @: name shown} of a message's `at`."""
    names = {}
    if not isinstance(at, dict):
        return names
    for mobile in at.get("atMobiles") or ():
        person = state.people.get(state.by_mobile.get(str(mobile), ""))
        names[str(mobile)] = person["name"] if person else str(mobile)
    for user_id in at.get("atUserIds") or ():
        person = state.people.get(str(user_id))
        names[str(user_id)] = person["name"] if person else str(user_id)
    if at.get("isAtAll") in (True, "true"):
        names.update({"所有人": "所有人", "all": "all"})
    names.pop("", None)
    return names


def shown(state, message):
    """One message as the page's script gets it."""
    mentions = mentions_of(state, message["at"])
    at_all = isinstance(message["at"], dict) and message["at"].get("isAtAll") in (True, "true")
    preview = message["title"] or message["text"]
    return {
        "id": message["id"], "time": message["time"], "conversation": _key(message), "kind": message["kind"],
        "name": message["name"], "preview": " ".join(preview[:200].split())[:80], "html": render(message, mentions),
        "msgtype": message["msgtype"], "at_all": at_all,
    }


def feed(state, epoch, after):
    """{epoch, messages}: what came after `after`, or everything when the caller knows an older epoch."""
    after = after if epoch == state.epoch else 0
    return {"epoch": state.epoch, "messages": [shown(state, each) for each in state.messages.after(after)[-FEED_LIMIT:]]}


def routes(state):
    def file_handler(name):
        async def handler(request):
            text = (FILES / name).read_text(encoding="utf-8")
            return web.Response(text=text, content_type=TYPES[name], charset="utf-8", headers=HEADERS)
        return handler

    async def feed_handler(request):
        try:
            epoch, after = int(request.query.get("epoch") or 0), int(request.query.get("after") or 0)
        except ValueError:
            return web.json_response({"error": "epoch and after are numbers"}, status=400)
        return web.json_response(feed(state, epoch, after), headers=HEADERS)

    async def no_icon(request):
        # Without this a browser's own request would stand among the recorded calls.
        return web.Response(status=204)

    return [web.get("/favicon.ico", no_icon), web.get("/", file_handler("index.html")), web.get("/_page/chat.css", file_handler("chat.css")),
            web.get("/_page/chat.js", file_handler("chat.js")), web.get("/_page/feed", feed_handler)]
