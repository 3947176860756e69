"""The HTTP client of components: no TLS check, a connection per call, and a log line with the answer's beginning."""
from __future__ import absolute_import, division, print_function

import json
import time

import requests
from django.conf import settings
from requests.exceptions import ReadTimeout, SSLError

from common.base_utils import datetime_format
from common.compat import exception_text, string_types, urljoin, urlsplit
from common.errors import (
    RequestSSLException,
    RequestThirdPartyException,
    TestHostNotFoundException,
)
from common.log import logger, logger_api
from esb.bkapp.models import BKApp
from esb.utils.base import SmartHost
from esb.utils.jwt_utils import JWTClient

RESP_LIMIT_SIZE = 4096
FORWARDED_HEADERS = ("Blueking-Language", "Blueking-Timezone")
STATUS_MESSAGES = {
    500: "Third-party system internal error",
    502: "Third-party system Bad Gateway",
    403: "Third-party system prohibit access to this interface",
    404: "Third-party system does not find this interface",
    302: "Third-party system redirects this interface",
}


class HttpClient(object):
    """`component.outgoing.http_client`."""

    def __init__(self, component):
        self.component = component

    def get(self, *args, **kwargs):
        return self.request("GET", *args, **kwargs)

    def post(self, *args, **kwargs):
        return self.request("POST", *args, **kwargs)

    def request_by_url(self, method, url, *args, **kwargs):
        parts = urlsplit(url)
        path = "%s?%s" % (parts.path, parts.query) if parts.query else parts.path
        return self.request(method, "%s://%s" % (parts.scheme, parts.netloc), path, *args, **kwargs)

    def prepare_bk_header(self, headers=None, with_jwt_header=False):
        """The caller's language and time zone, the request's id and, if asked for, a token; then `headers`."""
        request = self.component.request
        result = {}
        if request:
            result.update((key, request.headers[key]) for key in FORWARDED_HEADERS if key in request.headers)
            result["X-Bkapi-Request-Id"] = request.request_id
            if with_jwt_header:
                app = BKApp(request.app_code, verified=True)
                result["X-Bkapi-JWT"] = JWTClient(app, self.component.current_user).encode()
        result.update(headers or {})
        return result

    def request(
        self, method, host, path, params=None, data=None, headers=None, response_type="json", max_retries=0,
        response_encoding=None, request_encoding=None, verify=False, cert=None, timeout=None,
        allow_non_200=False, files=None, with_jwt_header=False,
    ):
        """The answer, decoded from JSON unless `response_type` is another; raises RequestThirdPartyException."""
        request = self.component.request
        use_test_env = request.use_test_env if request else False
        timeout = timeout or (request and request.timeout) or settings.REQUEST_TIMEOUT_SECS
        started = time.time()
        options = {
            "params": params,
            "data": data,
            "headers": self.prepare_bk_header(headers, with_jwt_header),
            "cert": cert,
            "files": files,
            "timeout": timeout,
            "verify": False,
        }
        result = error = None
        while True:
            status, text, url = -1, u"", make_url(host, path, use_test_env)
            try:
                response = requests.request(method, url, **options)
                response.encoding = response_encoding or response.encoding
                status, text = response.status_code, response.text
                if status != 200 and not allow_non_200:
                    reason = "Third-party system interface is abnormal, %s" % response.reason
                    raise IOError(
                        "Status Code: %s, Error Message: %s" % (status, STATUS_MESSAGES.get(status, reason))
                    )
                error, result = None, self._decoded(text, response_type)
            except Exception as raised:
                logger.exception("1306201 Error occured when sending request to %s", url)
                error = raised
                if isinstance(raised, ReadTimeout):
                    error = ReadTimeout("Third-party system interface response time exceeds %s seconds" % timeout)
            # an answer that was there but could not be read is not asked for again
            if error is None or max_retries <= 0 or isinstance(error, ValueError):
                break
            max_retries -= 1
            if isinstance(host, SmartHost):
                host.shift_host(use_test_env)
            time.sleep(1)
        self._log(method, url, params or data, status, text, error, started)
        if error is not None:
            error_class = RequestSSLException if isinstance(error, SSLError) else RequestThirdPartyException
            raise error_class(error, self.component.sys_name, self.component.get_alias_name())
        return result

    @staticmethod
    def _decoded(text, response_type):
        if response_type != "json":
            return text
        try:
            return json.loads(text)
        except ValueError:
            raise ValueError("interface response is not the JSON format")

    def _log(self, method, url, params, status, text, error, started):
        request, ended = self.component.request, time.time()
        try:
            entry = {
                "message": "Request outgoing finished, method=%s url=%s" % (method, url),
                "type": "pyls-comp-api",
                "request_id": request.request_id if request else None,
                "req_app_code": request.app_code if request else "",
                "req_system_name": self.component.sys_name,
                "req_component_name": self.component.get_alias_name(),
                "req_url": url,
                "req_params": params if isinstance(params, string_types) else json.dumps(params),
                "req_status": status,
                "req_response": text[:RESP_LIMIT_SIZE] if status == 200 and error is None else text,
                "req_exception": exception_text(error) if error is not None else None,
                "req_msecs_cost": int((ended - started) * 1000),
                "req_start_time": datetime_format(started),
                "req_end_time": datetime_format(ended),
            }
            logger_api.info(json.dumps(entry))
        except Exception as failure:
            logger.warning("The outgoing request could not be logged: %s", failure)


def make_url(host, path, use_test_env=False):
    if isinstance(host, SmartHost):
        if use_test_env and not host.has_test_host():
            raise TestHostNotFoundException("Error, the system does not provide test environment")
        host = host.get_value(use_test_env)
    return urljoin(host if host.startswith("http") else "http://%s" % host, path)
