"""The ESB's database for Django: a SQLite file that hosts share, or MySQL as a platform has it."""
from __future__ import absolute_import, division, print_function

try:
    from urllib.parse import unquote, urlsplit
except ImportError:
    from urllib import unquote

    from urlparse import urlsplit

# What every Django from 1.8 to 5.2 accepts as MySQLdb's version.
MYSQLDB_VERSION = (2, 2, 7, "final", 0)


def described(place):
    """For a file's path, or mysql://user:password@host:port/name; the latter through PyMySQL, which is pure Python."""
    if not place.startswith("mysql://"):
        # several hosts share the file: wait for another host's write instead of failing
        return {"ENGINE": "esb.sqlite", "NAME": place, "OPTIONS": {"timeout": 20}, "CONN_MAX_AGE": None}
    import pymysql

    pymysql.version_info = MYSQLDB_VERSION
    pymysql.install_as_MySQLdb()
    parts = urlsplit(place)
    return {
        "ENGINE": "django.db.backends.mysql",
        "NAME": parts.path.strip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname,
        "PORT": parts.port or 3306,
        "OPTIONS": {"charset": "utf8", "connect_timeout": 5},
    }
