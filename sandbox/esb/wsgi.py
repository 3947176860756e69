"""WSGI entry of the local ESB: `application`.

PaaS 2.12's own wsgi.py has gevent patch everything, under every server; later ones' do not. SANDBOX_GEVENT_WSGI=1
makes this one like the former.
"""
from __future__ import absolute_import, division, print_function

import os

if os.environ.get("SANDBOX_GEVENT_WSGI") == "1":
    from gevent import monkey

    monkey.patch_all()

from django.core.wsgi import get_wsgi_application  # noqa: E402

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

application = get_wsgi_application()
