"""The list answers: look-ups, fields, paging."""

from sandbox.usermgr.directory import DEPARTMENTS, folded
from sandbox.usermgr.envelope import HttpError, Refusal, Reply

PAGE_SIZE, MAX_PAGE_SIZE = 50, 2000
TRUE = ("True", "true", "1")

# Columns that may be asked for; what a list shows without `fields`; what a single profile shows.
COLUMNS = ("id", "create_time", "update_time", "username", "qq", "email", "telephone", "wx_userid", "wx_openid", "code", "domain",
           "category_id", "display_name", "logo", "status", "staff_status", "password", "password_valid_days", "password_update_time",
           "position", "leader", "time_zone", "language", "country_code", "iso_code", "extras", "enabled", "type", "role",
           "departments", "subordinate_staff")
LISTED = ("id", "username", "display_name", "password_valid_days", "departments", "leader", "last_login_time", "create_time",
          "update_time", "extras", "qq", "email", "telephone", "wx_userid", "domain", "category_id", "enabled", "iso_code",
          "country_code", "language", "time_zone", "position", "staff_status", "status", "logo")
SINGLE = tuple(name for name in COLUMNS if name not in ("password", "subordinate_staff")) + ("last_login_time",)
CATEGORY_COLUMNS = ("id", "type", "description", "display_name", "domain", "default", "enabled", "status", "order",
                    "last_synced_time", "create_time", "update_time")


def parts(query, name):
    """A comma-separated parameter as a list, or None; spaces stay, as in the real one."""
    return query[name].split(",") if name in query else None


def checked_fields(query, columns, adds_enabled=False):
    """The fields asked for, or None; an unknown one is an error. Lists of profiles add `enabled` when deleted ones are asked for."""
    fields = list(dict.fromkeys(parts(query, "fields") or ()))
    unknown = [name for name in fields if name not in columns]
    if unknown:
        raise Refusal("FIELDS_NOT_SUPPORTED_YET", "存在不支持动态返回的字段" + "".join(", " + ",".join(unknown) if any(unknown) else ""))
    if fields and adds_enabled and "include_disabled" in query and "enabled" not in fields:
        fields.append("enabled")
    return fields or None


def _shown(directory, profile, name, username, flat):
    if name == "username":
        return username
    if name == "leader" and not flat:
        return [{"id": each["id"], "username": directory.lookup_name(each), "display_name": each["display_name"]}
                for each in (directory.profiles.get(number) for number in profile["leader"]) if each]
    if name == "departments" and not flat:
        known = [number for number in profile[name] if number in DEPARTMENTS]
        return [{"id": number, "name": DEPARTMENTS[number][0], "order": 1, "full_name": DEPARTMENTS[number][1]} for number in known]
    if name == "extras" and not flat and isinstance(profile[name], dict):
        # A text default that is empty shows as null.
        return {**{key: value or None for key, value in directory.extra_fields.items()}, **profile[name]}
    if flat and name == "subordinate_staff":
        return None
    # The password's hash is nobody's business in a sandbox either.
    return profile.get(name, "" if name == "password" else None)


def profile_view(directory, profile, fields, raw_username, flat=False):
    """The fields of one profile; `flat` is the no_page form, which has no nested objects."""
    username = profile["username"] if raw_username else directory.lookup_name(profile)
    return {name: _shown(directory, profile, name, username, flat) for name in fields}


def flat_rows(directory, profile, fields, raw_username):
    """The no_page form is the rows of a join: one for each department and leader, when these are asked for."""
    row = profile_view(directory, profile, fields, raw_username, flat=True)
    rows = [row]
    for name in ("departments", "leader"):
        if name in fields:
            rows = [{**each, name: number} for each in rows for number in profile[name] or [None]]
    return rows


def _same(value, wanted):
    if isinstance(value, bool):
        return wanted in (TRUE if value else ("False", "false", "0"))
    return value is not None and folded(value) == folded(wanted)


def _by_lookup(profiles, query, lookup_name):
    """Profiles that match exact_lookups, else fuzzy_lookups, of lookup_field."""
    field = query.get("lookup_field") or "username"
    exact, fuzzy = parts(query, "exact_lookups"), parts(query, "fuzzy_lookups")
    if field != "username" and field not in COLUMNS and (exact or fuzzy):
        raise Refusal("QUERY_PARAMS_ERROR", "查询参数错误，请检查")
    value = lookup_name if field == "username" else lambda profile: profile.get(field)
    if exact:
        return [each for each in profiles if any(_same(value(each), wanted) for wanted in exact)]
    if fuzzy:
        return [each for each in profiles if any(folded(wanted) in folded(value(each) or "") for wanted in fuzzy)]
    return profiles


def _wildcard(profiles, query):
    text, fields = query.get("wildcard_search"), parts(query, "wildcard_search_fields")
    if not text or not fields:
        return profiles
    return [each for each in profiles if any(folded(text) in folded(each.get(name) or "") for name in fields)]


def found(directory, query):
    """The profiles a list request asks for, by id; names are looked up, not searched, because benches ask often."""
    exact = parts(query, "exact_lookups")
    if exact and (query.get("lookup_field") or "username") == "username":
        hits = {each["id"]: each for each in map(directory.find, exact) if each}
        profiles = [hits[number] for number in sorted(hits)]
    else:
        profiles = _by_lookup(list(directory.profiles.values()), query, directory.lookup_name)
    profiles = _wildcard(profiles, query)
    if query.get("include_disabled") not in TRUE:
        profiles = [each for each in profiles if each["enabled"]]
    return profiles


def page_of(items, query):
    """(count, items of the page); a page that is not there is the web layer's 404."""
    try:
        size = int(query.get("page_size", PAGE_SIZE))
    except ValueError:
        size = PAGE_SIZE
    size = min(size, MAX_PAGE_SIZE) if size > 0 else PAGE_SIZE
    last = max(1, -(-len(items) // size))
    try:
        number = last if query.get("page") == "last" else int(query.get("page", 1))
    except ValueError:
        number = 0
    if not 1 <= number <= last:
        raise HttpError(404, "invalid page")
    return items[(number - 1) * size:number * size]


def profiles(directory, request):
    """GET /api/v2/profiles/."""
    query = request.query
    fields = checked_fields(query, COLUMNS, adds_enabled=True)
    hits = found(directory, query)
    if query.get("no_page") in TRUE:
        names = [name for name in fields or LISTED if name in COLUMNS]
        return Reply([row for each in hits for row in flat_rows(directory, each, names, request.raw_username)])
    names = [name for name in LISTED if fields is None or name in fields]
    page = page_of(hits, query)
    return Reply({"count": len(hits), "results": [profile_view(directory, each, names, request.raw_username) for each in page]})


def categories(directory, request):
    """GET /api/v2/categories/."""
    fields = checked_fields(request.query, CATEGORY_COLUMNS)
    items = [{name: value for name, value in each.items() if fields is None or name in fields}
             for each in directory.categories.values()]
    if request.query.get("no_page") in TRUE:
        return Reply(items)
    return Reply({"count": len(items), "results": page_of(items, request.query)})
