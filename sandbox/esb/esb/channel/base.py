"""Channels: how one request reaches its component, what is checked before it and logged after it."""
from __future__ import absolute_import, division, print_function

import copy
import json
import time
import uuid
from importlib import import_module

from common.base_utils import (
    FancyDict,
    datetime_format,
    get_client_ip,
    get_first_not_empty_value,
    get_request_params,
    str_bool,
)
from common.compat import exception_text
from common.constants import COMPONENT_STATUSES
from common.django_utils import JsonResponse
from common.errors import (
    APIError,
    CommonAPIError,
    RequestThirdPartyException,
    TestHostNotFoundException,
    ValidationError,
    error_codes,
)
from common.log import logger, logger_api
from django.http import HttpResponse
from esb.bkcore.models import ESBChannel
from esb.component import CompRequest
from esb.response import format_resp_dict

AUTHORIZATION_KEYS = (
    "bk_app_code", "bk_app_secret", "app_code", "app_secret", "bk_token", "bk_username", "username",
)
IGNORED_HEADERS = ("HTTP_X_BKAPI_AUTHORIZATION", "HTTP_X_REQUEST_URI", "HTTP_HOST")


class ApiChannel(object):
    """One request to one component."""

    channel_type = "api"
    request_validators = []

    def __init__(self, comp_class, path, comp_conf=None, channel_conf=None):
        self.path = path
        self.comp = comp_class()
        self.channel_conf = channel_conf or {}
        if comp_conf and hasattr(self.comp, "setup_conf"):
            self.comp.setup_conf(copy.deepcopy(comp_conf))

    def handle_request(self, request):
        g = request.g
        self.prepare(request)
        try:
            g.kwargs = FancyDict(get_request_params(request))
            # a component changes kwargs; the log gets what came in
            g.kwargs_copy = copy.copy(g.kwargs)
            g.app_code = get_first_not_empty_value(g.authorization, ["bk_app_code", "app_code"], default="")
            self.validate(request)
            self.comp.set_request(CompRequest(wsgi_request=request))
            answer = self.comp.invoke()
            succeeded = isinstance(answer, dict) and answer.get("result")
            g.component_status = COMPONENT_STATUSES.SUCCESS if succeeded else COMPONENT_STATUSES.FAILURE
        except Exception as error:
            g.component_status = COMPONENT_STATUSES.EXCEPTION
            if isinstance(error, APIError):
                g.component_status = COMPONENT_STATUSES.ARGUMENT_ERROR
            answer = self.answer_to(error, request).code.as_dict()
        g.ts_request_end = time.time()
        self.log(request, answer)
        return self.render(request, answer)

    def prepare(self, request):
        g = request.g
        g.update(
            kwargs=FancyDict(),
            system_name=self.comp.sys_name,
            component_name=self.comp.get_component_name(),
            component_alias_name=self.comp.get_alias_name(),
            api_type=self.comp.api_type,
            channel_type=self.channel_type,
            channel_conf=self.channel_conf,
            client_ip=get_client_ip(request),
            request_id=uuid.uuid4().hex,
            component_status=COMPONENT_STATUSES.EXECUTING,
            use_test_env=str_bool(request.META.get("HTTP_X_USE_TEST_ENV", False)),
            headers={
                "-".join(word.capitalize() for word in key[5:].split("_")): value
                for key, value in request.META.items()
                if key.startswith("HTTP_") and value and key not in IGNORED_HEADERS
            },
            app_code="",
            request_type="app",
        )
        g.authorization = self.authorization(request)

    @staticmethod
    def authorization(request):
        """Credentials of the header X-Bkapi-Authorization when it is there, else those among the parameters."""
        header = request.META.get("HTTP_X_BKAPI_AUTHORIZATION")
        if header is not None:
            try:
                content = json.loads(header)
            except ValueError:
                raise error_codes.ARGUMENT_ERROR.format_prompt(
                    "request header X-Bkapi-Authorization is not a valid JSON format string"
                )
            if content is not None:
                return content
        params = get_request_params(request)
        return {key: params[key] for key in AUTHORIZATION_KEYS if key in params}

    def validate(self, request):
        for validator in self.request_validators:
            try:
                validator.validate(request)
            except ValidationError as error:
                raise CommonAPIError(exception_text(error))

    @staticmethod
    def answer_to(error, request):
        """The APIError to answer with when a component ended in `error`."""
        if isinstance(error, APIError):
            return error
        if isinstance(error, RequestThirdPartyException):
            return getattr(error_codes, error.code_name).format_prompt(error.get_message(), replace=True)
        if isinstance(error, TestHostNotFoundException):
            return error_codes.TEST_HOST_NOT_FOUND
        logger.exception("Request exception, request_id=%s, path=%s", request.g.request_id, request.path)
        return CommonAPIError("Component error, please contact the component developer to handle it.")

    @staticmethod
    def log(request, answer):
        g = request.g
        kwargs = g.get("kwargs_copy", g.kwargs)
        if (g.system_name, g.component_alias_name) == ("CMSI", "send_mail"):
            kwargs = {key: value for key, value in kwargs.items() if key != "attachments"}
        try:
            entry = {
                "message": "ESB request finished, method=%s system=%s component=%s"
                % (request.method, g.system_name, g.component_alias_name),
                "type": "pyls-comp-request",
                "request_id": g.request_id,
                "req_app_code": g.app_code,
                "req_username": g.get("current_user_username", ""),
                "req_system_name": g.system_name,
                "req_component_name": g.component_alias_name,
                "req_client_ip": g.client_ip,
                "req_params": json.dumps(kwargs),
                "req_use_test_env": g.use_test_env,
                "req_status": g.component_status,
                "req_message": answer.get("message", "") if isinstance(answer, dict) else "",
                "req_msecs_cost": int((g.ts_request_end - g.ts_request_start) * 1000),
                "req_start_time": datetime_format(g.ts_request_start),
                "req_end_time": datetime_format(g.ts_request_end),
            }
            logger_api.info(json.dumps(entry))
        except Exception as error:
            logger.warning("The request could not be logged: %s", error)

    @staticmethod
    def render(request, answer):
        if isinstance(answer, (HttpResponse, str)):
            return answer
        if isinstance(answer, dict):
            answer["request_id"] = request.g.request_id
            answer = format_resp_dict(answer)
        return JsonResponse(answer)


class ChannelManager(object):
    """Finds the channel of a path: in the database, else among those that the ESB declares itself."""

    def __init__(self, channel_classes, preset_channels, rewrite_channels):
        self.channel_classes = channel_classes
        self.rewrite_channels = rewrite_channels
        self.preset_channels = dict(preset_channels)

    def get_default_channel_classes(self):
        return self.channel_classes

    def get_rewrite_path_by_path(self, path):
        return self.rewrite_channels.get(path)

    def get_channel_by_path(self, path, method):
        """{"channel": row, "classes", "comp_conf": dict or None, "channel_conf"} or None, read anew each time.

        A row of exactly this method wins over one for any method (""), which means GET and POST.
        """
        path = path if path.startswith("/") else "/%s" % path
        paths = [path, path.rstrip("/") if path.endswith("/") else "%s/" % path]
        methods = [method, ""] if method in ("GET", "POST") else [method]
        rows = ESBChannel.objects.filter(path__in=paths, method__in=methods).select_related("component_system")
        rows = sorted(rows, key=lambda row: (row.method != method, row.pk))
        if rows:
            return self._found(rows[0], self._comp_conf(rows[0]), rows[0].channel_conf)
        for preset_path in paths:
            preset = self.preset_channels.get(preset_path)
            if preset and method in (preset.get("method") or "GET,POST").split(","):
                channel = ESBChannel(path=preset_path, component_codename=preset["comp_codename"])
                return self._found(channel, preset.get("comp_conf"), preset.get("channel_conf"))
        return None

    def _found(self, channel, comp_conf, channel_conf):
        return {
            "channel": channel,
            "classes": self.channel_classes,
            "comp_conf": comp_conf,
            "channel_conf": channel_conf,
        }

    @staticmethod
    def _comp_conf(row):
        try:
            conf = json.loads(row.comp_conf) if row.comp_conf else None
            return dict(conf) if isinstance(conf, list) else conf
        except (TypeError, ValueError):
            logger.error("1306102 channel comp_conf is not a json string. channel path=%s", row.path)
            return None


_manager = None


def get_channel_manager():
    global _manager
    if _manager is None:
        # the configuration imports component classes, which import this module
        conf = import_module("components.esb_conf")
        _manager = ChannelManager(conf.CHANNEL_CLASSES, conf.PRESET_CHANNELS, conf.REWRITE_CHANNELS)
    return _manager
