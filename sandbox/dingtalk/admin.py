"""The admin API under /_admin: what tests and the command line set up, look at and break."""

from aiohttp import web

from sandbox.dingtalk import faults, tokens
from sandbox.dingtalk.state import DEFAULT_CONFIG

STYLES = ("130101", "410100", "302", "x5")


def _need(body, *names):
    for name in names:
        if not isinstance(body.get(name), str) or not body[name]:
            raise ValueError("%s is missing or not a text" % name)


def _put_robot(state, body):
    _need(body, "token")
    old = state.robots.get(body["token"], {})
    robot = {"token": body["token"], "secret": "", "name": "", "keywords": [], "stopped": False, "dissolved": False}
    robot.update(old)
    robot.update({name: value for name, value in body.items() if name in robot})
    robot["name"] = robot["name"] or body["token"][:8]
    state.robots[robot["token"]] = robot
    return robot


def _put_app(state, body):
    _need(body, "app_key")
    app = {"app_key": body["app_key"], "app_secret": "", "robot_code": None, "permissions": None}
    app.update(state.apps.get(body["app_key"], {}))
    app.update({name: value for name, value in body.items() if name in app})
    if not app["app_secret"]:
        raise ValueError("app_secret is missing")
    state.apps[app["app_key"]] = app
    return app


def _put_person(state, body):
    _need(body, "userid")
    person = {"userid": body["userid"], "name": body["userid"], "mobile": ""}
    person.update(state.people.get(body["userid"], {}))
    person.update({name: value for name, value in body.items() if name in person})
    state.put_person(person)
    return person


def _set_config(state, body):
    unknown = set(body) - set(DEFAULT_CONFIG)
    if unknown:
        raise ValueError("unknown setting: %s" % ", ".join(sorted(unknown)))
    if str(body.get("throttle_style", STYLES[0])) not in STYLES:
        raise ValueError("throttle_style is one of %s" % ", ".join(STYLES))
    for name, value in body.items():
        state.config[name] = str(value) if name == "throttle_style" else value
    return state.config


def _add_fault(state, body):
    fault = faults.checked(body)
    state.faults.append(fault)
    return {"faults": state.faults}


def _reset(state, body):
    if body.get("all"):
        state.clear_all()
    else:
        state.clear()
    return {"ok": True}


def _revoke(state, body):
    tokens.revoke_all(state)
    return {"ok": True}


WRITERS = {
    "/_admin/reset": _reset,
    "/_admin/robots": _put_robot,
    "/_admin/apps": _put_app,
    "/_admin/people": _put_person,
    "/_admin/config": _set_config,
    "/_admin/faults": _add_fault,
    "/_admin/tokens/revoke": _revoke,
}


def _stats(state):
    return {"calls": state.call_counts, "connections": state.connections, "running": state.running,
            "max_running": state.max_running, "tokens_issued": state.tokens_issued}


def routes(state):
    """The admin routes; bodies are JSON objects, mistakes are HTTP 400 with an "error"."""

    def writer(write):
        async def handler(request):
            try:
                body = await request.json() if request.can_read_body else {}
                if not isinstance(body, dict):
                    raise ValueError("a JSON object is needed")
                result = write(state, body)
            except (ValueError, TypeError) as error:
                return web.json_response({"error": str(error)}, status=400)
            state.dirty = True
            return web.json_response(result)
        return handler

    def reader(read):
        async def handler(request):
            try:
                return web.json_response(read(int(request.query.get("after") or 0)))
            except ValueError:
                return web.json_response({"error": "after is no number"}, status=400)
        return handler

    async def clear_faults(request):
        state.faults.clear()
        return web.json_response({"ok": True})

    readers = {
        "/_admin/health": lambda after: {"ok": True},
        "/_admin/messages": lambda after: {"messages": state.messages.after(after)},
        "/_admin/calls": lambda after: {"calls": state.calls.after(after)},
        "/_admin/stats": lambda after: _stats(state),
        "/_admin/config": lambda after: state.config,
        "/_admin/faults": lambda after: {"faults": state.faults},
        "/_admin/robots": lambda after: {"robots": list(state.robots.values())},
        "/_admin/apps": lambda after: {"apps": list(state.apps.values())},
        "/_admin/people": lambda after: {"people": list(state.people.values())},
    }
    return ([web.post(path, writer(write)) for path, write in WRITERS.items()]
            + [web.get(path, reader(read)) for path, read in readers.items()]
            + [web.delete("/_admin/faults", clear_faults)])
