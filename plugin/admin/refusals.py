"""Refusals of the management service: one shape for all, stable codes, no value of a request.

`param` names the member, parameter or header that is wrong, as it was sent. What the gate refuses
never comes this far; it has the same shape.
"""

import json
import logging

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from gatepass.jwks.errors import GatepassError
from gatepass.plugin.directory.changes.faults import ChangeFault, ChangeRefused
from gatepass.plugin.reasons import REASON_BY_CODE, Reason

_log = logging.getLogger("gatepass.admin")

_MISSING = (400, "field_missing", "A member or parameter that is needed is missing.")
_UNKNOWN = (400, "field_unknown", "There is no such member; nothing is stored under it.")
_NO_ROUTE = (404, "no_such_route", "There is no such route.")
_NO_METHOD = (405, "method_not_allowed", "The route has no such method.")
PLAIN_REFUSALS = (_MISSING, _UNKNOWN, _NO_ROUTE, _NO_METHOD)
"""Refusals of requests that never came to a row: status, code, sentence."""

_BY_KIND = {"missing": _MISSING, "extra_forbidden": _UNKNOWN}
_BY_STATUS = {404: _NO_ROUTE, 405: _NO_METHOD}
_MAX_NAME_CHARS = 64
_TYPES = {
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    503: "service_unavailable",
}


def refusal(status: int, code: str, sentence: str, param: str | None = None) -> Response:
    """Return a refusal in the shape that OpenAI clients parse."""
    kind = _TYPES.get(status, "invalid_request_error")
    error = {"message": sentence, "type": kind, "param": param, "code": code}
    return Response(
        json.dumps({"error": error}),
        status,
        {"content-type": "application/json", "cache-control": "no-store"},
    )


def install(app: FastAPI) -> None:
    """Have every error of the application answered here."""
    app.add_exception_handler(GatepassError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _foreign)
    app.add_exception_handler(Exception, _fault)


async def _refused(_request: Request, error: Exception) -> Response:
    if isinstance(error, ChangeRefused):
        fault = error.fault
        return refusal(fault.status, fault.code, fault.sentence, error.field)
    code = error.code if isinstance(error, GatepassError) else ""
    reason = REASON_BY_CODE.get(code)
    if reason is None:
        return await _fault(_request, error)
    return refusal(reason.status, reason.code, reason.sentence)


async def _invalid(_request: Request, error: Exception) -> Response:
    problems = error.errors() if isinstance(error, RequestValidationError) else ()
    first = problems[0] if problems else {}
    plain = _BY_KIND.get(str(first.get("type")))
    if plain is not None:
        return refusal(*plain, _param(first.get("loc")))
    bad = ChangeFault.BAD_VALUE
    return refusal(bad.status, bad.code, bad.sentence, _param(first.get("loc")))


def _param(location: object) -> str | None:
    """Return the name of what is wrong; one that is the client's own must be short and plain."""
    if not isinstance(location, tuple):
        return None
    names = [str(part) for part in location[1:] if not isinstance(part, int)]
    name = names[0] if names else ""
    plain = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if plain and len(name) <= _MAX_NAME_CHARS else None


async def _foreign(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 0
    not_json = Reason.BODY_NOT_JSON
    return refusal(*_BY_STATUS.get(status, (not_json.status, not_json.code, not_json.sentence)))


async def _fault(_request: Request, error: Exception) -> Response:
    _log.error("internal fault", extra={"fault": type(error).__name__})
    internal = Reason.INTERNAL
    return refusal(internal.status, internal.code, internal.sentence)
