"""One profile: read, create, change, delete softly, restore."""

import re

from sandbox.usermgr import validation
from sandbox.usermgr.directory import folded
from sandbox.usermgr.envelope import Crashed, HttpError, Invalid, NotFound, Refusal, Reply, Unexpected
from sandbox.usermgr.listing import COLUMNS, SINGLE, TRUE, checked_fields, profile_view

NAME = re.compile(r"(?P<username>[0-9a-zA-Z][a-zA-Z0-9._-]{0,31})(@(?P<domain>[0-9a-zA-Z][a-zA-Z0-9.-]{0,15}))?")


def _named(directory, name):
    """The profile of a path, enabled or not; a name that cannot be one is an uncaught error in the real service."""
    match = NAME.fullmatch(name)
    if match is None:
        raise Unexpected()
    category = directory.category_of(match["domain"]) if match["domain"] else None
    if match["domain"] and category is None:
        return None
    # name@default.local means the same as name.
    return directory.find(match["username"] if category is None or category["default"] else name)


def _found(directory, request, name):
    """The profile a path means; raises NotFound. Deleted ones are seen only with include_disabled."""
    field = request.query.get("lookup_field", "username")
    if field != "username" and field in COLUMNS:
        profile = next((each for each in directory.profiles.values() if str(each.get(field)) == name), None)
    else:
        profile = _named(directory, name)
    if profile is None or not (profile["enabled"] or request.query.get("include_disabled") in TRUE):
        raise NotFound()
    return profile


def retrieve(directory, request, name):
    """GET /api/v2/profiles/{username}/."""
    fields = checked_fields(request.query, COLUMNS)
    profile = _found(directory, request, name)
    return Reply(profile_view(directory, profile, [each for each in SINGLE if fields is None or each in fields], request.raw_username))


def _written(directory, profile):
    """The answer to a write shows the bare username in every directory."""
    return profile_view(directory, profile, SINGLE, raw_username=True)


def _read_only(request):
    """The one refusal that is translated."""
    text = "This category not support to manage manually" if request.english else "该用户目录不能够手动写入数据"
    return Refusal("CANNOT_MANUAL_WRITE_INTO", text)


def _category_for(directory, request, number):
    if not number:
        return next(each for each in directory.categories.values() if each["default"])
    if not directory.writable(number):
        raise _read_only(request)
    category = directory.categories[number]
    if not category["enabled"]:
        raise Refusal("CATEGORY_NOT_ENABLED", "用户目录未启用", number=3210019)
    return category


def _check_code(directory, values, own=None):
    code = values.get("code")
    if code and any(each is not own and each["code"] and folded(each["code"]) == folded(code) for each in directory.profiles.values()):
        raise Invalid({"code": [("another profile has this code", "unique")]})


def create(directory, request):
    """POST /api/v2/profiles/."""
    body = request.json()
    username, number, values = validation.cleaned_creation(body)
    _check_code(directory, values)
    category = _category_for(directory, request, number)
    values.update(username=username, category_id=category["id"], domain=category["domain"])
    existing = directory.find(directory.lookup_name(values))
    if existing:
        message = "该目录下此用户名已存在" + ("" if existing["enabled"] else ", 该用户处于被删除状态，请联系管理员恢复")
        raise Refusal("USER_ALREADY_EXISTED", message, status=409)
    values["country_code"], values["iso_code"] = validation.aligned_country(values, creating=True)
    if not isinstance(values.get("extras", {}), dict):
        raise Refusal("SAVE_USER_INFO_FAILED", "保存用户信息失败")
    return Reply(_written(directory, directory.add(values)), status=201)


def update(directory, request, name):
    """PATCH and PUT /api/v2/profiles/{username}/: both keep what they are not given, except the country."""
    profile = _found(directory, request, name)
    body = request.json()
    values = validation.clean(body)
    _check_code(directory, values, profile)
    if not directory.writable(profile["category_id"]):
        raise _read_only(request)
    # These two are stored before the rest is looked at.
    directory.change(profile, {name: values.pop(name) for name in ("departments", "leader") if name in values})
    values["country_code"], values["iso_code"] = validation.aligned_country(values, creating=False)
    if not isinstance(values.get("extras", {}), dict) or "id" in body:
        raise Crashed()
    directory.change(profile, values)
    return Reply(_written(directory, profile))


def delete(directory, request, name):
    """DELETE: soft, and in every directory, a read-only one too."""
    directory.change(_found(directory, request, name), {"enabled": False, "status": "DELETED"})
    return Reply(None, status=204)


def restore(directory, request, name):
    """POST /api/v2/profiles/{username}/restoration/?include_disabled=1."""
    profile = _found(directory, request, name)
    if profile["enabled"]:
        raise Refusal("RESOURCE_ALREADY_ENABLED", "资源数据未被删除")
    directory.change(profile, {"enabled": True, "status": "NORMAL"})
    return Reply(None)


def category(directory, request, number):
    """GET /api/v2/categories/{id}/."""
    found = directory.categories.get(int(number)) if number.isdigit() else None
    if found is None:
        raise NotFound()
    return Reply(found)


SINGLE_METHODS = {"GET": retrieve, "PATCH": update, "PUT": update, "DELETE": delete}


def single(directory, request, name):
    method = SINGLE_METHODS.get(request.method)
    if method is None:
        raise HttpError(405, "method %s is not allowed" % request.method)
    return method(directory, request, name)
