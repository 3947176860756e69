# -*- coding: utf-8 -*-
"""User management as this ESB reaches it: its address, and the headers that an ESB of its version sends."""
from __future__ import absolute_import, division, print_function

from common.log import logger

from .names import text_type
from .receivers import Directory
from .text import clean
from .transport import Transport

# Whether this ESB signs its own calls to user management, as the V7 one does: it has no access to PaaS's database.
try:
    import esb.exdb  # noqa: F401 - in 2.12 to 2.14 only

    _VOUCHES = False
except ImportError:
    _VOUCHES = True

# Seconds for one try at user management.
CONNECT, READ = 2.0, 4.0


def of_esb(app_code, user, context):
    """A Directory. app_code: the caller's, else the ESB's own is used; user: a user object or None; context: for the trace."""
    from components.bk.apisv2.usermanage.toolkit import configs

    host = configs.host
    addresses = [text_type(address) for address in getattr(host, "hosts_prod", None) or [] if address]
    if not addresses:
        found = host.get_value(False) if hasattr(host, "get_value") else host
        addresses = [text_type(found)] if found else []
    return Directory(addresses, Transport("internal", context, CONNECT, READ), _headers(app_code or _own_app_code(), user))


def _headers(app_code, user):
    username = clean(text_type(getattr(user, "username", "") or u"")).replace(u"\n", u"").strip()
    headers = {"Bk-Username": username, "Bk-App-Code": app_code}
    # The V7 ESB vouches for app and user with a token of its own; user management there wants it.
    if _VOUCHES:
        headers["X-Bkapi-JWT"] = _vouching_token(app_code, user)
    # Latin-1 is what headers carry: a name of other characters travels as its UTF-8 bytes.
    return {name: _header(text_type(value)) for name, value in headers.items() if value}


def _header(value):
    encoded = value.encode("utf-8")
    return encoded if isinstance(encoded, str) else encoded.decode("latin-1")


def _own_app_code():
    from django.conf import settings as esb_settings

    return getattr(esb_settings, "BK_APP_CODE", "")


def _vouching_token(app_code, user):
    try:
        from esb.bkapp.models import BKApp
        from esb.utils.jwt_utils import JWTClient

        token = JWTClient(BKApp(app_code, verified=True), user).encode()
    except Exception as error:
        logger.warning("ding.blueking: no X-Bkapi-JWT for user management: %s", error.__class__.__name__)
        return ""
    return token.decode("ascii") if isinstance(token, bytes) else token
