"""Components: their base class, the request they see, and the search for them in the component folders."""
from __future__ import absolute_import, division, print_function

import copy
import inspect
import json
import os
from importlib import import_module

from common.base_utils import FancyDict, smart_lower, str_bool
from common.errors import APIError, error_codes
from common.log import logger
from esb.bkauth.models import AnonymousBKUser, BKUser
from esb.outgoing import HttpClient
from esb.response import CompResponse
from esb.utils.base import fpath_to_module, is_py_file


class CompRequest(object):
    """What a component knows of its request; without `wsgi_request` it was called by other code."""

    SENSITIVE_PARAMS_KEY = ["app_secret", "signature", "bk_nonce", "bk_timestamp", "bk_app_secret", "bk_signature"]
    NORMAL_PARAMS_KEY = [
        "app_code", "username", "bk_token", "bk_app_code", "bk_username",
        "__esb_skip_signature__", "__esb_skip_comp_perm__",
    ]

    def __init__(
        self, wsgi_request=None, input=None, use_test_env=False, request_id=None, channel_type="api",
        is_dummy=False, app_code="", path_vars=None, timeout=None, headers=None,
    ):
        self.wsgi_request = wsgi_request
        if wsgi_request:
            g = wsgi_request.g
            self.kwargs = self._without(copy.copy(g.kwargs), self.SENSITIVE_PARAMS_KEY)
            use_test_env, request_id, channel_type = g.use_test_env, g.request_id, g.channel_type
            is_dummy, app_code = str_bool(g.kwargs.get("dummy")), g.get("app_code", "")
            path_vars, timeout, headers = g.path_vars, g.timeout, g.headers
        else:
            self.kwargs = copy.copy(input) or FancyDict()
        self.use_test_env = use_test_env
        self.request_id = request_id
        self.channel_type = channel_type
        self.is_dummy = is_dummy
        self.app_code = app_code
        self.path_vars = path_vars
        self.timeout = timeout
        self.headers = headers or {}
        self.bk_language = self.headers.get("Blueking-Language", "en")

    def get_strict_clean_params(self):
        """The parameters without those that only concern the ESB."""
        return self._without(copy.deepcopy(self.kwargs), self.NORMAL_PARAMS_KEY)

    def get_clean_params(self, ctype="form"):
        """The body or query as it came, without secrets."""
        if not self.wsgi_request:
            return ""
        request = self.wsgi_request
        if request.method != "GET" and request.body.strip().startswith(b"{"):
            params = self._without(json.loads(request.body.decode("utf-8")), self.SENSITIVE_PARAMS_KEY)
            return params if ctype == "form" else json.dumps(params)
        source = request.GET if request.method == "GET" else request.POST
        params = self._without(source.copy(), self.SENSITIVE_PARAMS_KEY)
        return params.urlencode() if ctype == "form" else json.dumps(dict(params.items()))

    @staticmethod
    def _without(params, keys):
        for key in keys:
            params.pop(key, None)
        return params


class BaseComponent(object):
    sys_name = "UNKNOWN"
    api_type = "unknown"
    name_prefix = ""
    Form = None

    def __init__(self, request=None, current_user=None):
        self.request = request
        self.response = CompResponse()
        self.form_data = {}
        self._current_user = current_user
        self.outgoing = FancyDict(http_client=HttpClient(self))

    def set_request(self, request):
        assert isinstance(request, CompRequest)
        self.request = request

    def get_current_user(self):
        g = self.request.wsgi_request.g if self.request.wsgi_request else {}
        if not g.get("current_user_username"):
            return AnonymousBKUser()
        return BKUser(g["current_user_username"], verified=g.get("current_user_verified", False))

    @property
    def current_user(self):
        return self._current_user

    @current_user.setter
    def current_user(self, value):
        self._current_user = value

    def invoke(self, kwargs=None, use_test_env=False, request_id="", is_dummy=False, app_code="", timeout=None):
        """Run and return the payload; the arguments count only when no request was set.

        An APIError of `handle` becomes the payload; one of the form is raised.
        """
        if not self.request:
            self.set_request(
                CompRequest(
                    input=_fancy(kwargs or {}), use_test_env=use_test_env, request_id=request_id,
                    is_dummy=is_dummy, app_code=app_code, timeout=timeout,
                )
            )
        if not self._current_user:
            self._current_user = self.get_current_user()
        self.validate_input()
        self.before_handle()
        try:
            self.handle()
        except APIError as error:
            self.response.payload = error.code.as_dict()
        self.after_handle()
        return self.response.get_payload()

    def invoke_other(self, *args, **kwargs):
        """The payload of another component."""
        return self._invoke_other(*args, **kwargs)["result"]

    def _invoke_other(self, component_name, kwargs=None, use_test_env=None, timeout=None):
        comp = self.prepare_other(component_name, kwargs=kwargs, use_test_env=use_test_env, timeout=timeout)
        return {"result": comp.invoke(), "comp": comp}

    def prepare_other(self, component_name, kwargs=None, use_test_env=None, timeout=None):
        """Another component, ready to be invoked as part of this request (but without its wsgi_request)."""
        comp_class = get_components_manager().get_comp_by_name(component_name)
        if not comp_class:
            raise error_codes.ARGUMENT_ERROR.format_prompt("No component can be found via name=%s" % component_name)
        comp = comp_class()
        comp.current_user = self.current_user
        comp.set_request(
            CompRequest(
                input=_fancy(kwargs or {}),
                use_test_env=self.request.use_test_env if use_test_env is None else use_test_env,
                request_id=self.request.request_id,
                is_dummy=self.request.is_dummy,
                app_code=self.request.app_code,
                timeout=timeout,
            )
        )
        return comp

    def validate_input(self):
        if self.Form:
            self.form_data = self.Form.from_request(self.request).get_cleaned_data_or_error()
            self.request.kwargs.update(self.form_data)

    def before_handle(self):
        if getattr(self, "need_check_operate_perm", False):
            self.check_operate_perm()

    def handle(self):
        """A component's own work."""

    def after_handle(self):
        """A component's own clearing up."""

    def get_host_by_env(self, hosts):
        return hosts["test" if self.request.use_test_env else "prod"]

    @classmethod
    def set_name_prefix(cls, name_prefix):
        cls.name_prefix = name_prefix

    @classmethod
    def get_name(cls):
        return "%s%s.%s" % (cls.name_prefix, cls.sys_name.lower(), cls.get_component_name())

    @classmethod
    def get_component_name(cls):
        return smart_lower(cls.__name__)

    def get_alias_name(self):
        return getattr(self, "name", self.get_component_name())


def _fancy(kwargs):
    return FancyDict(kwargs) if isinstance(kwargs, dict) else kwargs


class ComponentsManager(object):
    """The components of this process by code name."""

    def __init__(self):
        self.name_component_map = {}

    def get_comp_by_name(self, name):
        return self.name_component_map.get(name)

    def get_registed_components(self):
        return self.name_component_map

    def register(self, comp_class, config=None):
        comp_class.set_name_prefix((config or {}).get("name_prefix", ""))
        self.name_component_map[comp_class.get_name().lower()] = comp_class

    def register_by_module(self, module, config=None):
        comp_class = self.find_component_class(module)
        if comp_class:
            self.register(comp_class, config)

    def register_by_config(self, groups):
        for group in groups:
            self.register_path(group)

    def register_path(self, config):
        """Import and register everything below config["path"]; what cannot be imported is logged and left out."""
        for filename in self.files(config["path"]):
            try:
                self.register_by_module(import_module(fpath_to_module(filename)), config)
            except Exception:
                logger.exception("1306101 Error when register file %s, skip", filename)

    def files(self, path):
        for folder, folders, files in os.walk(path):
            folders.sort()
            for name in sorted(files):
                filename = os.path.join(folder, name)
                if self.should_register(filename):
                    yield filename

    @staticmethod
    def should_register(filename):
        folder, name = os.path.split(filename)
        # __pycache__ is what later ESBs, which run on Python 3, leave out as well
        if folder.endswith(("/toolkit", "/apidoc", "/__pycache__")):
            return False
        return is_py_file(name) and not name.startswith("_") and name not in ("component.py", "component.pyc")

    @staticmethod
    def find_component_class(module):
        """The first component class, by name, that is defined in the module itself."""
        for name in dir(module):
            value = getattr(module, name)
            if inspect.isclass(value) and issubclass(value, BaseComponent) and value.__module__ == module.__name__:
                return value
        return None


_manager = None


def get_components_manager():
    """The manager of this process; the first call walks the component folders."""
    global _manager
    if _manager is None:
        manager = ComponentsManager()
        manager.register_by_config(import_module("components.esb_conf").COMPONENT_GROUPS)
        _manager = manager
    return _manager
