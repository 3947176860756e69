# -*- coding: utf-8 -*-
"""The channel inside the local ESB, imported as a worker imports it, on Python 2.7, 3.6 and today's.

DING_ESB_TREE: the ESB's tree to copy; DING_CHANNEL_DIR: the channel's folder. Without them, this clone's.
"""
from __future__ import absolute_import, division, print_function

import io
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TREE = os.environ.get("DING_ESB_TREE") or os.path.join(ROOT, "sandbox", "esb")
CHANNEL = os.environ.get("DING_CHANNEL_DIR") or os.path.join(ROOT, "files", "components", "ding_blueking")

_home = tempfile.mkdtemp(prefix="ding-components-")


def _prepare():
    esb = os.path.join(_home, "esb")
    shutil.copytree(TREE, esb, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    apis = os.path.join(esb, "components", "generic", "apis")
    shutil.copytree(CHANNEL, os.path.join(apis, "ding_blueking"), ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    with io.open(os.path.join(apis, "conf.py"), "a", encoding="utf-8") as conf:
        conf.write(u"\nfrom components.generic.apis.ding_blueking._channels import CHANNELS as _DING\nCHANNELS = CHANNELS + _DING\n")
    logs = os.path.join(_home, "logs")
    os.mkdir(logs)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    os.environ.update(
        BK_ENV="production",
        PAAS_LOGGING_DIR=logs,
        SANDBOX_DB=os.path.join(_home, "open_paas.sqlite3"),
        SANDBOX_USERMGR_URL="http://127.0.0.1:1",
        DJANGO_SETTINGS_MODULE="settings",
    )
    os.chdir(esb)
    sys.path.insert(0, esb)
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    call_command("sync_system_and_channel_data")


_prepare()


def pytest_unconfigure():
    shutil.rmtree(_home, ignore_errors=True)
