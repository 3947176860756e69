"""The server: limits of the web layer, authentication, routing and the record of calls."""

import asyncio
import json
import os
import re
import time
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from sandbox.dingtalk.serving import hold, reset_connection
from sandbox.dingtalk.state import Log
from sandbox.usermgr import admin, listing, profiles
from sandbox.usermgr.directory import Directory
from sandbox.usermgr.envelope import ERRORS, Crashed, HttpError, NotAuthenticated, rendered

# gunicorn's default limit for the request line: about 400 names fit, 1,000 do not.
REQUEST_LINE_LIMIT = 4094
MAX_BODY_BYTES = 16 * 1024 * 1024
HOLD_SECONDS = 60
SAVE_SECONDS = 0.3
PROFILE = re.compile(r"/api/v2/profiles/([\w\-@.$]+)/")
RESTORATION = re.compile(r"/api/v2/profiles/([\w\-@.$]+)/restoration/")
CATEGORY = re.compile(r"/api/v2/categories/([a-z0-9-]+)/")
ERROR_PAGE = "<!DOCTYPE html><html><head><title>%s</title></head><body><h1>%s</h1></body></html>"

# extra_fields: {name: default} of the extended fields; a stock installation has none.
DEFAULT_CONFIG = {"auth": False, "strict": False, "extra_fields": {},
                  "app_code": "bk_user_manage", "app_secret": "usermgr-secret-not-real", "token": "usermgr-token-not-real",
                  "latency_ms": 0, "fail": None}

DIRECTORY = web.AppKey("directory", object)


@dataclass
class Request:
    """What the API functions read of a request."""

    method: str
    path: str
    query: dict
    headers: dict
    raw_body: bytes

    @property
    def raw_format(self):
        return bool(self.headers.get("Force-Raw-Response"))

    @property
    def raw_username(self):
        return self.headers.get("Raw-Username") in listing.TRUE

    @property
    def english(self):
        return self.headers.get("Accept-Language", "").lower().startswith("en")

    def json(self):
        if "json" not in self.headers.get("Content-Type", ""):
            raise HttpError(415, "unsupported media type")
        try:
            return json.loads(self.raw_body.decode("utf-8"))
        except ValueError:
            raise HttpError(400, "malformed JSON") from None


def overridden(request):
    """A POST with X-HTTP-Method-Override becomes that method, its JSON body the query: the way around the URL's limit."""
    method = request.headers.get("X-HTTP-Method-Override")
    if request.method != "POST" or not method:
        return request
    query = dict(request.query)
    parameters = _readable(request.raw_body) if request.raw_body else {}
    if not isinstance(parameters, dict):
        raise HttpError(500, "the parameters are no JSON object")
    query.update({name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items()})
    return Request(method, request.path, query, request.headers, request.raw_body)


class UserManagement:
    """Configuration, calls and the directory they act on."""

    def __init__(self):
        self.directory = Directory()
        self.reset()

    def reset(self):
        self.config = dict(DEFAULT_CONFIG)
        self.directory.extra_fields = {}
        self.calls, self.next_call = Log(), 1

    def authenticate(self, request):
        """Switched on, it takes an app's code and secret, whatever they are, or the bearer token in the query or the header.

        The real one (2.3 to 2.5) lets any values of the two headers in; `strict` compares them.
        """
        config = self.config
        if not config["auth"]:
            return
        code, secret = request.headers.get("X-Bk-App-Code"), request.headers.get("X-Bk-App-Secret")
        if code is not None and secret is not None:
            if not config["strict"] or (code, secret) == (config["app_code"], config["app_secret"]):
                return
            raise NotAuthenticated()
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "ibearer" else None
        if config["token"] and request.query.get("token", bearer) == config["token"]:
            return
        raise NotAuthenticated()

    def carry_out(self, request):
        """A Reply, one of ERRORS, or None when no such path exists."""
        try:
            route = self._route(request)
            if route is None:
                return None
            self.authenticate(request)
            return route(overridden(request))
        except ERRORS as error:
            return error

    def _route(self, request):
        directory, path = self.directory, request.path
        if path == "/api/v2/profiles/":
            return self._profiles
        if path == "/api/v2/categories/":
            return lambda call: listing.categories(directory, _only(call, "GET"))
        for pattern, function, method in ((RESTORATION, profiles.restore, "POST"), (CATEGORY, profiles.category, "GET"),
                                          (PROFILE, profiles.single, None)):
            match = pattern.fullmatch(path)
            if match:
                return lambda call: function(directory, _only(call, method), match.group(1))
        return None

    def _profiles(self, request):
        if request.method == "POST":
            return profiles.create(self.directory, request)
        return listing.profiles(self.directory, _only(request, "GET"))

    async def handle(self, incoming):
        started = time.monotonic()
        body = await incoming.read()
        request = Request(incoming.method, unquote(incoming.raw_path.partition("?")[0]),
                          dict(parse_qsl(incoming.raw_path.partition("?")[2], keep_blank_values=True)), incoming.headers, body)
        record = {"id": self.next_call, "time": int(time.time() * 1000), "ms": None, "method": request.method, "path": request.path,
                  "query": request.query, "body": _readable(body), "status": None}
        self.next_call += 1
        self.calls.append(record, len(body) + len(incoming.raw_path) + 300)
        try:
            response = await self._respond(incoming, request)
            record["status"] = response.status if response is not None else None
            return response if response is not None else web.Response()
        finally:
            record["ms"] = round((time.monotonic() - started) * 1000, 1)

    async def _respond(self, incoming, request):
        """The response, or None when the connection was dropped."""
        if len(request.method) + len(incoming.raw_path) + len("  HTTP/1.1") > REQUEST_LINE_LIMIT:
            response = _html(400, "Request Line is too large")
            response.force_close()
            return response
        if self.config["latency_ms"]:
            await asyncio.sleep(self.config["latency_ms"] / 1000)
        fail = self.config["fail"]
        if fail and fail.get("hang"):
            await hold(incoming, HOLD_SECONDS)
            reset_connection(incoming)
            return None
        if fail:
            return _failure(fail)
        return self._answered(request)

    def _answered(self, request):
        if request.path == "/ping/":
            return web.Response(text="pong")
        outcome = self.carry_out(request)
        if outcome is None:
            if not request.path.endswith("/"):
                return web.Response(status=301, headers={"Location": request.path + "/"})
            return _html(404, "Not Found")
        if isinstance(outcome, Crashed):
            return _html(500, "Server Error (500)")
        status, body = rendered(outcome, request.raw_format)
        if body is None and status == 204:
            return _Deleted(status=204)
        return web.json_response(body, status=status, dumps=lambda value: json.dumps(value, ensure_ascii=False))


class _Deleted(web.Response):
    """204, and the length of an envelope that HTTP does not allow here: careless clients wait for it."""

    async def _prepare_headers(self):
        await super()._prepare_headers()
        self.headers["Content-Length"] = "56"


def _only(request, method):
    if method and request.method != method:
        raise HttpError(405, "method %s is not allowed" % request.method)
    return request


def _readable(body):
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")


def _html(status, text):
    return web.Response(status=status, text=ERROR_PAGE % (text, text), content_type="text/html")


def _failure(fail):
    status = fail.get("status", 500)
    if fail.get("html"):
        return _html(status, "Bad Gateway")
    return web.json_response(fail.get("body", {"result": False, "code": -1, "message": "sandbox failure", "data": None}), status=status)


async def _keep_saved(directory, path):
    while True:
        await asyncio.sleep(SAVE_SECONDS)
        if directory.dirty:
            directory.save(path)


async def _storage(app, directory, path):
    task = asyncio.create_task(_keep_saved(directory, path))
    yield
    task.cancel()
    directory.save(path)


def create_app(data=None):
    """The whole sandbox user management as an aiohttp application; `data` is the file that keeps it, or None."""
    service = UserManagement()
    if data and os.path.exists(data):
        service.directory.load(data)
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app[DIRECTORY] = service.directory
    if data:
        app.cleanup_ctx.append(lambda app: _storage(app, service.directory, data))
    app.add_routes(admin.routes(service))
    app.router.add_route("*", "/{path:.*}", service.handle)
    return app
