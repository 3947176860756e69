# -*- coding: utf-8 -*-
"""Stands where nginx stands in front of a real ESB: both /c/… and /api/c/… lead to what the tree itself serves."""
from __future__ import absolute_import, division, print_function

import os

# First of all: the tree's own wsgi.py may patch the standard library.
from wsgi import application as tree

SERVES_API = os.environ["DING_CONTRACT_PREFIX"] == "/api/c"
PAGES = ("/ping/", "/healthz/")


def application(environ, start_response):
    path = environ.get("PATH_INFO", "")
    if SERVES_API:
        if path.startswith("/c/"):
            path = "/api" + path
        elif path.startswith(PAGES):
            path = "/api/c" + path
    elif path.startswith("/api/c/"):
        path = path[len("/api"):]
    environ["PATH_INFO"] = path
    return tree(environ, start_response)
