"""What a profile's fields may hold, and the alignment of country codes that every write makes."""

import re
from zoneinfo import available_timezones

from sandbox.usermgr.directory import DEPARTMENTS
from sandbox.usermgr.envelope import Invalid, Unexpected

# Any digit, of whatever script, may come first.
USERNAME = re.compile(r"[\da-zA-Z][a-zA-Z0-9._-]{0,31}")
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LABEL = r"[A-Za-z0-9\u00a1-\uffff](?:[A-Za-z0-9\u00a1-\uffff-]{0,61}[A-Za-z0-9\u00a1-\uffff])?"
TOP = r"(?:[A-Za-z\u00a1-\uffff-][A-Za-z0-9\u00a1-\uffff-]{0,61}[A-Za-z0-9\u00a1-\uffff])"
EMAIL = re.compile(rf"{ATOM}(?:\.{ATOM})*@(?:localhost|(?:{LABEL}\.)+{TOP}|\[\d{{1,3}}(?:\.\d{{1,3}}){{3}}\])")

# name: (longest, may be null, may be empty)
TEXTS = {
    "qq": (64, False, True), "email": (255, True, True), "telephone": (255, True, True), "wx_userid": (255, True, True),
    "wx_openid": (255, True, True), "display_name": (255, True, True), "code": (64, True, True), "logo": (None, True, True),
    "country_code": (32, True, True), "iso_code": (32, True, True), "type": (255, True, True),
}
CHOICES = {
    "status": ("NORMAL", "LOCKED", "DELETED", "DISABLED"), "staff_status": ("IN", "OUT"), "language": ("zh-cn", "en"),
    "time_zone": available_timezones(), "role": (0, 1, 2, 3, 4), "password_valid_days": (30, 90, 180, 365, -1),
}
DEFAULT_COUNTRY = ("86", "CN")
COUNTRIES = {"CN": "86", "HK": "852", "MO": "853", "TW": "886", "SG": "65", "MY": "60", "JP": "81", "KR": "82", "TH": "66", "VN": "84",
             "ID": "62", "PH": "63", "IN": "91", "AE": "971", "US": "1", "CA": "1", "GB": "44", "DE": "49", "FR": "33", "NL": "31",
             "IT": "39", "ES": "34", "RU": "7", "AU": "61", "NZ": "64", "BR": "55", "ZA": "27"}

NULL = ("may not be null", "null")
BLANK = ("may not be blank", "blank")
REQUIRED = ("is required", "required")


def _text(name, value):
    """(clean value, error)."""
    longest, nullable, blank = TEXTS[name]
    if value is None:
        return (None, None) if nullable else (None, NULL)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None, ("not a valid text", "invalid")
    value = str(value).strip()
    if not value:
        return ("", None) if blank else (None, BLANK)
    if "\x00" in value:
        return None, ("null characters are not allowed", "null_characters_not_allowed")
    if longest and len(value) > longest:
        return None, ("at most %d characters are allowed" % longest, "max_length")
    if name == "email" and not EMAIL.fullmatch(value):
        return None, ("not a valid e-mail address", "invalid")
    return value, None


def _choice(name, value):
    for choice in CHOICES[name]:
        if str(choice) == str(value) and not isinstance(value, bool):
            return choice, None
    return None, NULL if value is None else ("%r is not a valid choice" % (value,), "invalid_choice")


def _boolean(value):
    if isinstance(value, (str, int)) and str(value).lower() in ("true", "1", "t", "yes", "y"):
        return True, None
    if isinstance(value, (str, int)) and str(value).lower() in ("false", "0", "f", "no", "n"):
        return False, None
    return None, NULL if value is None else ("must be a valid boolean", "invalid")


def _position(value):
    if value is None:
        return None, NULL
    try:
        return int(value), None
    except (TypeError, ValueError):
        return None, ("not a valid integer", "invalid")


def _extras(value):
    return (None, NULL) if value is None else (value, None)


def _ids(value):
    if value is None:
        return None, NULL
    if not isinstance(value, list):
        return None, ("a list of ids is needed", "not_a_list")
    if not all(isinstance(each, int) and not isinstance(each, bool) for each in value):
        return None, ("an id is needed", "incorrect_type")
    return value, None


def _departments(value):
    """Numbers may be texts; unknown ones are dropped without a word."""
    if not isinstance(value, list):
        return _ids(value)
    try:
        return [number for number in map(int, value) if number in DEPARTMENTS], None
    except (TypeError, ValueError):
        raise Unexpected() from None


OTHERS = {"enabled": _boolean, "position": _position, "extras": _extras, "departments": _departments, "leader": _ids}


def clean(body):
    """The writable fields of a body, checked; unknown names are ignored. Raises Invalid with every wrong field."""
    if not isinstance(body, dict):
        raise Invalid({"non_field_errors": [("a JSON object is needed", "invalid")]})
    cleaned, errors = {}, {}
    for name, value in body.items():
        if name in TEXTS:
            cleaned[name], error = _text(name, value)
        elif name in CHOICES:
            cleaned[name], error = _choice(name, value)
        elif name in OTHERS:
            cleaned[name], error = OTHERS[name](value)
        else:
            continue
        if error:
            errors[name] = [error]
    if errors:
        raise Invalid(errors)
    return cleaned


def username_of(body):
    """The username of a body that creates a profile; raises Invalid."""
    value = body.get("username") if isinstance(body, dict) else None
    if not isinstance(body, dict) or "username" not in body:
        raise Invalid({"username": [REQUIRED]})
    if value is None:
        raise Invalid({"username": [NULL]})
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise Invalid({"username": [("not a valid text", "invalid")]})
    value = str(value).strip()
    if not value:
        raise Invalid({"username": [BLANK]})
    if not USERNAME.fullmatch(value):
        raise Invalid({"username": [("%s: 1-32 letters, digits, '.', '_' or '-', the first a letter or digit" % value, "invalid")]})
    return value


def _category_of(body):
    """The directory's id in a body that creates a profile, or None; 0 stands for the default directory."""
    if "category_id" not in body:
        return None
    value = body["category_id"]
    if value is None:
        raise Invalid({"category_id": [NULL]})
    try:
        if isinstance(value, bool):
            raise TypeError
        return int(value)
    except (TypeError, ValueError):
        raise Invalid({"category_id": [("not a valid integer", "invalid")]}) from None


def cleaned_creation(body):
    """(username, directory's id or None, the other fields) of a body that creates a profile. Raises Invalid with every wrong field."""
    found, errors = [], {}
    for check in (username_of, _category_of, clean):
        try:
            found.append(check(body))
        except Invalid as error:
            if not isinstance(body, dict):
                raise
            errors.update(error.fields)
    if errors:
        raise Invalid(errors)
    return found


def aligned_country(cleaned, creating):
    """(country_code, iso_code) that a write stores: 86 and CN when it names neither, whatever was stored before."""
    country, iso = cleaned.get("country_code") or "", (cleaned.get("iso_code") or "").upper()
    if country and iso:
        if COUNTRIES.get(iso) == country:
            return country, iso
        if creating:
            return DEFAULT_COUNTRY
        raise Unexpected()
    if country:
        # A number with a sign is taken for that number, and stored as it came.
        region = next((name for name, code in COUNTRIES.items() if code == country.lstrip("+")), None)
        return (country, region) if region else DEFAULT_COUNTRY
    return (COUNTRIES[iso], iso) if iso in COUNTRIES else DEFAULT_COUNTRY
