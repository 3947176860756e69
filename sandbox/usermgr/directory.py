"""Directories (categories) and profiles, found by name or name@domain without regard to case; saved as one JSON file."""

import json
import os
from datetime import datetime, timezone

DEFAULT_DOMAIN = "default.local"
# One of each kind: the default one, a second writable one, and one that only a synchronisation may write.
CATEGORIES = (
    {"id": 1, "type": "local", "display_name": "默认目录", "domain": DEFAULT_DOMAIN, "default": True},
    {"id": 2, "type": "ldap", "display_name": "LDAP", "domain": "ldap.local", "default": False},
    {"id": 3, "type": "local", "display_name": "Partners", "domain": "partner.local", "default": False},
)
WRITABLE_TYPES = ("local",)
# id: (name, full name). The first is there after an installation, with admin in it.
DEPARTMENTS = {1: ("总公司", "总公司"), 2: ("运维部", "总公司/运维部"), 3: ("值班组", "总公司/运维部/值班组"), 4: ("Vendors", "Vendors")}

PROFILE_DEFAULTS = {
    "username": "", "display_name": "", "qq": "", "email": "", "telephone": "", "wx_userid": "", "wx_openid": "", "code": None,
    "domain": DEFAULT_DOMAIN, "category_id": 1, "logo": None, "status": "NORMAL", "staff_status": "IN", "password_valid_days": -1,
    "password_update_time": None, "position": 0, "leader": [], "time_zone": "Asia/Shanghai", "language": "zh-cn",
    "country_code": "86", "iso_code": "CN", "extras": {}, "enabled": True, "type": "", "role": 0, "departments": [],
}


def timestamp():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def folded(name):
    """Names compare as MySQL's collation compares them: no case, no trailing spaces."""
    return str(name).rstrip(" ").casefold()


class Directory:
    """All categories and profiles; `dirty` says that something is not saved yet."""

    def __init__(self):
        self.extra_fields = {}
        self.reset()

    def reset(self):
        """Back to the three categories and the user admin."""
        now = timestamp()
        self.categories = {each["id"]: _category(each, now) for each in CATEGORIES}
        self.profiles = {}
        self._by_name = {}
        self.next_id = 1
        self.add({"username": "admin", "role": 1, "position": 0, "departments": [1]})

    def category_of(self, domain):
        return next((each for each in self.categories.values() if folded(each["domain"]) == folded(domain)), None)

    def writable(self, category_id):
        category = self.categories.get(category_id)
        return category is not None and category["type"] in WRITABLE_TYPES

    def lookup_name(self, profile):
        """How a profile is named in look-ups and lists: with its domain, except in the default directory."""
        if self.categories[profile["category_id"]]["default"]:
            return profile["username"]
        return "%s@%s" % (profile["username"], profile["domain"])

    def find(self, name):
        """The profile of this look-up name, enabled or not, or None."""
        return self.profiles.get(self._by_name.get(folded(name)))

    def add(self, values):
        now = timestamp()
        profile = {"id": self.next_id, **json.loads(json.dumps(PROFILE_DEFAULTS)), "create_time": now, "update_time": now, **values}
        self.profiles[profile["id"]] = profile
        self.next_id += 1
        self._by_name[folded(self.lookup_name(profile))] = profile["id"]
        self.dirty = True
        return profile

    def change(self, profile, values):
        profile.update(values)
        profile["update_time"] = timestamp()
        self.dirty = True

    def load(self, path):
        with open(path, encoding="utf-8") as file:
            saved = json.load(file)
        self.categories = {each["id"]: each for each in saved["categories"]}
        self.profiles = {each["id"]: each for each in saved["profiles"]}
        self._by_name = {folded(self.lookup_name(each)): each["id"] for each in self.profiles.values()}
        self.next_id = saved["next_id"]
        self.dirty = False

    def save(self, path):
        """Write beside path and rename, so that a reader never sees half a file."""
        saved = {"categories": list(self.categories.values()), "profiles": list(self.profiles.values()), "next_id": self.next_id}
        temporary = "%s.%d.part" % (path, os.getpid())
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(saved, file)
        os.replace(temporary, path)
        self.dirty = False


def _category(values, now):
    return {**values, "description": None, "enabled": True, "status": "normal", "order": values["id"], "last_synced_time": None,
            "create_time": now, "update_time": now, "configured": True, "syncing": False, "unfilled_namespaces": []}
