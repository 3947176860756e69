# -*- coding: utf-8 -*-
"""What the three components have in common: the ESB's request in, one result out. Only components know these two."""
from __future__ import absolute_import, division, print_function

from common.constants import API_TYPE_OP, API_TYPE_Q, HTTP_METHOD
from common.log import logger
from components.component import Component, SetupConfMixin

from . import answer, channels, directory, order, sending, settings, status
from .errors import ChannelError
from .names import monotonic
from .secret import MASK
from .transport import Transport


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
            own_app=not (wanted.app_key or wanted.app_secret),
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
        return directory.of_esb(self.request.app_code, self.current_user, self._trace_context())

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


class StatusComponent(ChannelComponent):
    """The state of what is queued. It takes no fields."""

    api_type = API_TYPE_Q
    channel_path = settings.STATUS_PATH

    def _answer(self, fields, started):
        return {"result": True, "code": 0, "message": u"OK", "data": status.collect(settings.read(self._stored_settings()))}


def _place(error):
    """module:line where an exception was raised, without its text."""
    import sys

    trace = getattr(error, "__traceback__", None) or sys.exc_info()[2]
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "?"
    return "%s:%d" % (trace.tb_frame.f_globals.get("__name__", "?"), trace.tb_lineno)
