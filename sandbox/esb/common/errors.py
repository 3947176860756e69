"""Errors of the ESB: their codes, messages and HTTP statuses (all 200), as callers of the real one know them."""
from __future__ import absolute_import, division, print_function

import copy

from common.compat import exception_text


class BaseException(Exception):
    """What components may catch as the ESB's own."""


class ErrorCode(object):
    def __init__(self, code_name, code, prompt, status=200):
        self.code_name = code_name
        self.code = code
        self.prompt = prompt
        self.status = status

    def as_dict(self):
        return {"result": False, "code": self.code, "data": None, "message": self.prompt}


class APIError(BaseException):
    """An error that becomes the answer to the caller."""

    def __init__(self, code):
        self.code = code
        super(APIError, self).__init__(code.prompt)

    def __str__(self):
        return "<APIError %s[%s]: %s>" % (self.code.status, self.code.code, self.code.prompt)

    def format_prompt(self, prompt=None, replace=False, args=(), kwargs=None):
        """This error with `prompt` in place of its text, or after it."""
        code = self.code = copy.copy(self.code)
        if prompt:
            code.prompt = prompt if replace else "%s, %s" % (code.prompt, prompt)
        if args:
            code.prompt = code.prompt % args
        if kwargs:
            code.prompt = code.prompt % kwargs
        return self


class ErrorCodes(object):
    """error_codes.NAME makes a new APIError."""

    _codes = {
        name: ErrorCode(name, code, prompt)
        for name, code, prompt in (
            ("COMMON_ERROR", 1306000, "System error"),
            ("REQUEST_THIRD_PARTY_ERROR", 1306201, "Request third-party interface error"),
            ("REQUEST_SSL_ERROR", 1306203, "Request third-party interface error"),
            (
                "TEST_HOST_NOT_FOUND",
                1306206,
                "Error, the component does not support access third-party test environment",
            ),
            ("REQUEST_BLOCKED", 1306207, "Request to the third-party system is blocked"),
            ("THIRD_PARTY_RESULT_ERROR", 1306208, "%s system interface results in an unknown format"),
            ("OPERATOR_REQUIRED", 1306401, "You must specify the current operator"),
            ("USER_PERMISSION_DENIED", 1306402, "User permission is insufficient"),
            ("APP_PERMISSION_DENIED", 1306403, "APP permission is insufficient"),
            ("COMPONENT_NOT_FOUND", 1306404, "Not found, component class not found"),
            ("INACTIVE_CHANNEL", 1306405, "Not found, inactive channel"),
            ("ARGUMENT_ERROR", 1306406, "Parameters error"),
            ("RATE_LIMIT_RESTRICTION", 1306429, "Access frequency limit"),
        )
    }

    def __getattr__(self, code_name):
        if code_name not in self._codes:
            raise AttributeError(code_name)
        return APIError(self._codes[code_name])


error_codes = ErrorCodes()


class CommonAPIError(APIError):
    """Any message of a component's own, with code 1306000 unless told otherwise."""

    def __init__(self, message, error_code=None, status=None):
        self.message = message
        code = error_codes.COMMON_ERROR.format_prompt(message, replace=True).code
        code.code = error_code or code.code
        code.status = status or code.status
        super(CommonAPIError, self).__init__(code)


class ValidationError(Exception):
    """A request that a validator of the channel refuses."""


class TestHostNotFoundException(BaseException):
    """The test environment was asked for and the host has none."""


class RequestThirdPartyException(BaseException):
    """A call through the outgoing client failed: `raw_exc` says why."""

    code_name = "REQUEST_THIRD_PARTY_ERROR"

    def __init__(self, raw_exc, system_name, interface_name):
        self.raw_exc = raw_exc
        self.system_name = system_name
        self.interface_name = interface_name
        super(RequestThirdPartyException, self).__init__(self.get_message())

    def get_message(self):
        return (
            u"Component request third-party system [%s] interface [%s] error: %s, "
            u"please try again later or contact component developer to handle this"
            % (self.system_name, self.interface_name, exception_text(self.raw_exc))
        )


class RequestSSLException(RequestThirdPartyException):
    """The same for a failed TLS handshake."""

    code_name = "REQUEST_SSL_ERROR"

    def get_message(self):
        return u"Component request third-party system [%s] interface [%s] SSL error: %s" % (
            self.system_name,
            self.interface_name,
            exception_text(self.raw_exc),
        )
