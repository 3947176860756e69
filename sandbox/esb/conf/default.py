# -*- coding: utf-8 -*-
"""Settings of the local ESB.

Values that differ per host come from environment variables, else from the JSON object in conf/host.json (same
names), which lets a management command run with no more environment than it needs on a real host.
"""
from __future__ import absolute_import, division, print_function

import io
import json
import os

import django
from django.core.exceptions import ImproperlyConfigured

from conf import databases

BASE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _host_values():
    path = os.path.join(BASE_DIR, "conf", "host.json")
    if not os.path.exists(path):
        return {}
    with io.open(path, encoding="utf-8") as handle:
        return json.load(handle)


_VALUES = _host_values()
_REQUIRED = object()


def _value(name, default=_REQUIRED):
    value = os.environ.get(name) or _VALUES.get(name)
    if value in (None, ""):
        if default is _REQUIRED:
            raise ImproperlyConfigured("Set the %s environment variable" % name)
        return default
    return value


DEBUG = False
SECRET_KEY = "local-esb-not-a-secret"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ("esb", "esb.bkcore")
ROOT_URLCONF = "urls"
WSGI_APPLICATION = "wsgi.application"
_middleware = [
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "esb.middlewares.APICommonMiddleware",
]
if django.VERSION < (1, 10):
    MIDDLEWARE_CLASSES = _middleware
else:
    MIDDLEWARE = _middleware
TEMPLATES = []
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

DATABASES = {"default": databases.described(_value("SANDBOX_DB"))}

LANGUAGE_CODE = "en"
LANGUAGES = (("en", u"English"), ("zh-hans", u"简体中文"))
USE_I18N = True
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

REQUEST_TIMEOUT_SECS = 30
USERMGR_HOST = _value("SANDBOX_USERMGR_URL", "")
REDIS_HOST = _value("REDIS_HOST", "")
REDIS_PORT = int(_value("REDIS_PORT", 6379))
REDIS_DB = int(_value("REDIS_DB", 0))
REDIS_PASSWORD = _value("REDIS_PASSWORD", "")
USE_SENTINEL = False
REDIS_MASTER_NAME = ""

# seconds that an app's secret and the white list stay in a worker's memory; the real ESB's value is fixed
ESB_CACHE_SECONDS = float(_value("SANDBOX_CACHE_SECONDS", 300))
# a text here makes /healthz/ of this host report it, with ok false
HEALTHZ_FAULT = _value("SANDBOX_HEALTHZ_FAULT", "")

LOGGING_DIR = LOG_DIR = _value("PAAS_LOGGING_DIR")
if not os.path.isdir(LOG_DIR):
    os.makedirs(LOG_DIR)
LOG_LEVEL = _value("LOG_LEVEL", "INFO")


def _file_handler(name, formatter):
    # opened for appending by every worker: whole lines do not mix
    return {
        "class": "logging.handlers.WatchedFileHandler",
        "filename": os.path.join(LOG_DIR, name),
        "encoding": "utf-8",
        "formatter": formatter,
    }


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "verbose": {
            "format": "%(levelname)s [%(asctime)s] %(pathname)s %(lineno)d %(funcName)s %(process)d %(thread)d \n"
            " \t %(message)s \n",
            "datefmt": "%Y-%m-%d %H:%M:%S",
        },
        "plain": {"format": "%(message)s"},
        "console": {"format": "[%(levelname)s] %(message)s"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "level": "INFO", "formatter": "console"},
        "root": _file_handler("esb.log", "verbose"),
        "api": _file_handler("esb_api.log", "plain"),
    },
    "loggers": {
        "django.request": {"handlers": ["root"], "level": "ERROR", "propagate": False},
        # from Python 3.9 on this is the root logger itself, so libraries' records arrive here too
        "root": {"handlers": ["root", "console"], "level": LOG_LEVEL, "propagate": False},
        "api": {"handlers": ["api"], "level": LOG_LEVEL, "propagate": False},
        "esb.management": {"handlers": ["console"], "level": "INFO", "propagate": False},
    },
}
