"""The server: takes a call in, records it, applies faults and latency, and answers."""

import asyncio
import json
import time
from weakref import WeakKeyDictionary

from aiohttp import web

from sandbox.dingtalk import admin, faults, page, person, robot, tokens
from sandbox.dingtalk.calls import Answer, Call, api_refusal, parse_body, parse_query
from sandbox.dingtalk.serving import caller_gone, hold, reset_connection
from sandbox.dingtalk.state import load, save

ENDPOINTS = {
    "/robot/send": robot.send,
    person.BATCH_SEND: person.batch_send,
    person.GET_BY_MOBILE: person.get_by_mobile,
    "/v1.0/oauth2/accessToken": tokens.access_token,
    "/gettoken": tokens.get_token,
}
MAX_BODY_BYTES = 8 * 1024 * 1024
# A call that is never answered is held until its caller leaves, at most this long.
HOLD_SECONDS = 60
SAVE_IDLE_SECONDS, SAVE_AT_LEAST_SECONDS = 1, 120

STATE = web.AppKey("state", object)


class Server:
    """Takes the calls of one application; `state` is what they act on."""

    def __init__(self, state):
        self.state = state
        self._connections = WeakKeyDictionary()

    def _connection(self, transport):
        number = self._connections.get(transport)
        if number is None:
            self.state.connections += 1
            number = self._connections[transport] = self.state.connections
        return number

    def _app_key(self, call):
        value = call.headers.get("x-acs-dingtalk-access-token") or call.query.get("access_token")
        token = self.state.tokens.get(value)
        return token.app_key if token else None

    async def handle(self, request):
        started = time.monotonic()
        state = self.state
        transport = request.transport
        raw = await request.read()
        if transport is None:
            return web.Response(status=400)
        state.last_call = started
        path = request.path
        body, text = parse_body(raw)
        call = Call(state.next_call, request.method, path, parse_query(request.raw_path), request.headers, raw,
                    time.time(), body=body, text=text)
        state.next_call += 1
        if state.faults:
            call.fault = faults.take(state.faults, call, self._app_key(call))
        record = {
            "id": call.id, "time": int(time.time() * 1000), "ms": None, "method": call.method, "path": path, "status": None,
            "errcode": None, "connection": self._connection(transport), "body": text if body is None else body,
            "query": call.query, "fault": faults.label(call.fault), "accepted": False,
        }
        state.calls.append(record, len(raw) + 500)
        state.call_counts[path] = state.call_counts.get(path, 0) + 1
        state.running += 1
        state.max_running = max(state.max_running, state.running)
        try:
            return await self._answer(request, call, record)
        finally:
            state.running -= 1
            record["ms"] = round((time.monotonic() - started) * 1000, 1)

    async def _answer(self, request, call, record):
        """Carry the call out at once, so that its effect is certain, and only then let latency or a fault delay the answer."""
        action = call.fault
        answer = self._carry_out(call) if not action or faults.carried_out(action) else None
        record["accepted"] = answer is not None and answer.accepted
        delay = self.state.config["latency_ms"] + action.get("latency_ms", 0)
        if delay > 0:
            await asyncio.sleep(delay / 1000)
        if "reset" in action:
            reset_connection(request)
            return web.Response()
        if "timeout" in action:
            await hold(request, HOLD_SECONDS)
            reset_connection(request)
            return web.Response()
        if action:
            answer = faults.replaced(action, call, answer)
        record["status"], record["errcode"] = answer.status, answer.code()
        if "drip_ms" in action:
            return await _drip(request, answer, action["drip_ms"] / 1000)
        return _response(answer)

    def _carry_out(self, call):
        endpoint = ENDPOINTS.get(call.path)
        if endpoint is None:
            return api_refusal(404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method.", call)
        return endpoint(self.state, call)


def _encoded(answer):
    if answer.html:
        return answer.body.encode("utf-8"), "text/html"
    # An echoed lone surrogate must not break the answer.
    return json.dumps(answer.body, ensure_ascii=False).encode("utf-8", "replace"), "application/json"


def _response(answer):
    body, content_type = _encoded(answer)
    return web.Response(body=body, status=answer.status, content_type=content_type, charset="utf-8", headers=answer.headers or None)


async def _drip(request, answer, seconds):
    """One byte at a time, with a right Content-Length, until the caller has had enough."""
    body, content_type = _encoded(answer)
    response = web.StreamResponse(status=answer.status, headers={"Content-Length": str(len(body)), "Content-Type": content_type})
    try:
        await response.prepare(request)
        for index in range(len(body)):
            if caller_gone(request):
                break
            await response.write(body[index:index + 1])
            await asyncio.sleep(seconds)
    except ConnectionError:
        pass
    return response


async def _punish(request):
    """Where a throttled or redirected caller ends up when it follows."""
    return _response(Answer(faults.HTML_PAGE, html=True))


async def _keep_saved(state, path):
    """Save changes when calls pause for a second, or every two minutes under load."""
    last = time.monotonic()
    while True:
        await asyncio.sleep(0.5)
        now = time.monotonic()
        if state.dirty and (now - state.last_call > SAVE_IDLE_SECONDS or now - last > SAVE_AT_LEAST_SECONDS):
            save(state, path)
            last = now


async def _storage(app, state, path):
    task = asyncio.create_task(_keep_saved(state, path))
    yield
    task.cancel()
    save(state, path)


def create_app(data=None):
    """The whole sandbox DingTalk as an aiohttp application; `data` is the file that keeps its state, or None."""
    state = load(data)
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app[STATE] = state
    if data:
        app.cleanup_ctx.append(lambda app: _storage(app, state, data))
    app.add_routes(admin.routes(state))
    app.add_routes(page.routes(state))
    app.router.add_get("/_punish", _punish)
    app.router.add_route("*", "/{path:.*}", Server(state).handle)
    return app
