# -*- coding: utf-8 -*-
"""What the three components have in common: the ESB's request in, one result out. Only components know these two."""
from __future__ import absolute_import, division, print_function

from common.constants import API_TYPE_OP, HTTP_METHOD
from common.log import logger
from components.component import Component, SetupConfMixin

from . import answer, channels, order, sending, settings
from .errors import ChannelError
from .names import monotonic, text_type
from .receivers import Directory
from .secret import MASK
from .text import clean
from .transport import Transport

# Whether this ESB signs its own calls to user management, as the V7 one does: it has no access to PaaS's database.
try:
    import esb.exdb  # noqa: F401 - in 2.12 to 2.14 only

    _VOUCHES = False
except ImportError:
    _VOUCHES = True

# Seconds for one try at user management.
DIRECTORY_CONNECT, DIRECTORY_READ = 2.0, 4.0


class ChannelComponent(Component, SetupConfMixin):
    """A component of the channel. Subclasses say which path they serve and which fields name receivers."""

    sys_name = "CMSI"
    api_type = API_TYPE_OP
    suggest_method = HTTP_METHOD.POST

    # No component by itself: the ESB looks for `handle` in classes that a module outside toolkit defines.
    channel_path = ""
    addressed_by = ("receiver__username",)
    accepted_kinds = ("robot", "person")

    def validate_input(self):
        """The fields as they came, without a form: what is wrong with them is said in one voice by order.read."""
        self._mask_logged_secrets()
        self.form_data = {name: self.request.kwargs[name] for name in order.FIELDS if name in self.request.kwargs}

    def handle(self):
        started = monotonic()
        fields = self.form_data
        problem = None
        try:
            payload = self._answer(fields, started)
        except ChannelError as error:
            problem = error.message
        except Exception as error:
            # A traceback of others' code may quote a URL; the class and the place are enough to find it.
            logger.error("ding.blueking: %s in %s", error.__class__.__name__, _place(error))
            problem = u"internal error %s in %s" % (error.__class__.__name__, _place(error))
        if problem is not None:
            payload = answer.of_error(problem, order.receivers_of(fields, self.addressed_by))
        self.response.payload = payload

    def _answer(self, fields, started):
        wanted = order.read(fields, self.addressed_by)
        stored = settings.override(settings.read(self._stored_settings()), wanted.app_key, wanted.app_secret)
        return sending.send(
            wanted,
            stored,
            started,
            accepted_kinds=self.accepted_kinds,
            directory=self._directory(),
            transport=Transport(
                "internet",
                self._trace_context(),
                stored.connect_timeout,
                stored.read_timeout,
                proxy=stored.proxy,
                ca_bundle=stored.ca_bundle,
            ),
        )

    # --- the ESB's side -------------------------------------------------------------------------------------------

    def _stored_settings(self):
        """{path: {name: value}}: this channel's own were put into __dict__ by setup_conf, the others are asked for."""
        own = {name: self.__dict__[name] for name in settings.FIELDS if name in self.__dict__}
        paths = (settings.DING_PATH, settings.DINGTALK_PATH, settings.DINGBOT_PATH)
        stored = channels.stored_settings([path for path in paths if path != self.channel_path or not own])
        if own:
            stored[self.channel_path] = own
        return stored

    def _directory(self):
        from components.bk.apisv2.usermanage.toolkit import configs

        host = configs.host
        addresses = [text_type(address) for address in getattr(host, "hosts_prod", None) or [] if address]
        if not addresses:
            found = host.get_value(False) if hasattr(host, "get_value") else host
            addresses = [text_type(found)] if found else []
        transport = Transport("internal", self._trace_context(), DIRECTORY_CONNECT, DIRECTORY_READ)
        return Directory(addresses, transport, self._directory_headers())

    def _directory_headers(self):
        username = clean(text_type(getattr(self.current_user, "username", "") or u"")).replace(u"\n", u"").strip()
        headers = {"Bk-Username": username, "Bk-App-Code": self.request.app_code or _own_app_code()}
        # The V7 ESB vouches for app and user with a token of its own; user management there wants it.
        if _VOUCHES:
            headers["X-Bkapi-JWT"] = _vouching_token(headers["Bk-App-Code"], self.current_user)
        # Latin-1 is what headers carry: a name of other characters travels as its UTF-8 bytes.
        return {name: _header(text_type(value)) for name, value in headers.items() if value}

    def _trace_context(self):
        return {
            "request_id": self.request.request_id,
            "app_code": self.request.app_code,
            "component": self.get_component_name(),
        }

    def _mask_logged_secrets(self):
        """The ESB logs this copy of the parameters after the component has answered."""
        wsgi_request = self.request.wsgi_request
        logged = getattr(getattr(wsgi_request, "g", None), "kwargs_copy", None)
        for name in order.SECRET_FIELDS:
            if logged and logged.get(name):
                logged[name] = MASK


def _place(error):
    """module:line where an exception was raised, without its text."""
    import sys

    trace = getattr(error, "__traceback__", None) or sys.exc_info()[2]
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "?"
    return "%s:%d" % (trace.tb_frame.f_globals.get("__name__", "?"), trace.tb_lineno)


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
