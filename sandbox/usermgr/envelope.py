"""Answers and errors in both formats: the envelope with HTTP 200, and with Force-Raw-Response the bare body and true status."""

from dataclasses import dataclass

UNKNOWN_ERROR = "request failed, please check api log of bk-user"


@dataclass
class Reply:
    """A success: status and the data that goes into the envelope."""

    data: object
    status: int = 200


class Refusal(Exception):
    """A known error: name and status for the raw format, number and message for the envelope."""

    def __init__(self, name, message, number=-1, status=400):
        super().__init__(message)
        self.name, self.message, self.number, self.status = name, message, number, status

    def envelope(self):
        return 200, _failed(self.message, self.number)

    def raw(self):
        return self.status, {"code": self.name, "detail": self.message}


class Invalid(Exception):
    """Fields that are wrong: {field: [(text, code), …]}."""

    def __init__(self, fields):
        super().__init__("validation error")
        self.fields = fields

    def envelope(self):
        shown = ", ".join("%r: [%s]" % (name, ", ".join("ErrorDetail(string=%r, code=%r)" % error for error in errors))
                          for name, errors in self.fields.items())
        return 200, _failed("validation error: {%s}" % shown)

    def raw(self):
        name, errors = next(iter(self.fields.items()))
        first = errors[0][0] if name == "non_field_errors" else "%s: %s" % (name, errors[0][0])
        return 400, {"code": "VALIDATION_ERROR", "detail": first,
                     "fields_detail": {field: [text for text, _ in errors] for field, errors in self.fields.items()}}


class NotFound(Exception):
    def envelope(self):
        return 200, _failed("404, could not be found")

    def raw(self):
        return 404, {"detail": "not found", "code": "ERROR"}


class NotAuthenticated(Exception):
    def envelope(self):
        return 200, _failed("403, authentication failed")

    def raw(self):
        return 403, {"detail": "authentication failed", "code": "ERROR"}


class HttpError(Exception):
    """An error of the web layer (malformed JSON, method): its status shows in both formats."""

    def __init__(self, status, detail):
        super().__init__(detail)
        self.status, self.detail = status, detail

    def envelope(self):
        return self.status, _failed(UNKNOWN_ERROR)

    def raw(self):
        return self.status, {"detail": self.detail, "code": "ERROR"}


class Unexpected(Exception):
    """What the real one does not catch: HTTP 200 in the envelope, 500 raw."""

    def envelope(self):
        return 200, _failed(UNKNOWN_ERROR)

    def raw(self):
        return 500, {"result": False, "data": {"error": "unexpected"}, "code": -1, "message": UNKNOWN_ERROR}


class Crashed(Exception):
    """What even the web framework does not catch: its HTML page with HTTP 500, in both formats."""


ERRORS = (Refusal, Invalid, NotFound, NotAuthenticated, HttpError, Unexpected, Crashed)


def _failed(message, number=-1):
    return {"result": False, "data": None, "code": number, "message": message}


def rendered(outcome, raw):
    """(status, body) of a Reply or one of ERRORS; a 204 has no body in either format."""
    if isinstance(outcome, Reply):
        if outcome.status == 204:
            return 204, None
        body = outcome.data if raw else {"result": True, "code": 0, "message": "success", "data": outcome.data}
        return outcome.status, body
    return outcome.raw() if raw else outcome.envelope()
