"""The admin API under /_admin: configuration, calls, and users put in without validation."""

from aiohttp import web

from sandbox.usermgr.directory import PROFILE_DEFAULTS


def _put_user(directory, values):
    """Add or change one profile; domain or category_id chooses the directory, a read-only one too."""
    if not isinstance(values, dict) or not values.get("username"):
        raise ValueError("username is missing")
    values = {name: value for name, value in values.items() if name in PROFILE_DEFAULTS}
    category = directory.categories.get(values.get("category_id", 1))
    if "domain" in values:
        category = directory.category_of(values["domain"])
    if category is None:
        raise ValueError("no such directory")
    values.update(domain=category["domain"], category_id=category["id"])
    profile = directory.find(directory.lookup_name(values))
    if profile:
        directory.change(profile, values)
        return profile
    return directory.add(values)


def _users(service, body):
    users = body if isinstance(body, list) else [body]
    return {"users": [_put_user(service.directory, each) for each in users]}


def _config(service, body):
    unknown = set(body) - set(service.config)
    if unknown:
        raise ValueError("unknown setting: %s" % ", ".join(sorted(unknown)))
    service.config.update(body)
    service.directory.extra_fields = dict(service.config["extra_fields"])
    return service.config


def _reset(service, body):
    service.reset()
    service.directory.reset()
    return {"ok": True}


def routes(service):
    """The admin routes; mistakes are HTTP 400 with an "error"."""

    def writer(write):
        async def handler(request):
            try:
                return web.json_response(write(service, await request.json() if request.can_read_body else {}))
            except (ValueError, TypeError, AttributeError) as error:
                return web.json_response({"error": str(error)}, status=400)
        return handler

    async def health(request):
        return web.json_response({"ok": True})

    async def calls(request):
        try:
            return web.json_response({"calls": service.calls.after(int(request.query.get("after") or 0))})
        except ValueError:
            return web.json_response({"error": "after is no number"}, status=400)

    return [web.get("/_admin/health", health), web.get("/_admin/calls", calls), web.post("/_admin/reset", writer(_reset)),
            web.post("/_admin/config", writer(_config)), web.post("/_admin/users", writer(_users))]
