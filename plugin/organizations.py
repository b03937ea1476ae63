"""The organizations that a request names, for routes that administer one.

All of them count, wherever an upstream might read them: `organization_id` and `organization_ids`
in the body and in the query. What cannot be read plainly is refused; so is a body that the gateway
did not show, because it could name another organization than the query does.
"""

from urllib.parse import parse_qsl

from gatepass.jwks.encoding import NotStrictJson, parse_json_object
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.inspection import HeaderFacts
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import BodyState, Request

_NAMES = frozenset({"organization_id", "organization_ids"})
_WITHOUT_BODY = frozenset({"GET", "HEAD"})


def named_organizations(request: Request, headers: HeaderFacts) -> tuple[str, ...]:
    """Return every organization that the query and the body name.

    Raises:
        RequestRefused: BODY_TOO_LARGE, BODY_NOT_SHOWN, BODY_NOT_JSON, or PARAMETER_DENIED for a
            name that is no plain text or stands there in other letters.

    """
    return tuple(dict.fromkeys((*_in_query(request.target), *_in_body(request, headers))))


def _in_query(target: bytes) -> list[str]:
    pairs = parse_qsl(
        target.partition(b"?")[2].replace(b";", b"&").decode("latin-1"), keep_blank_values=True
    )
    return [_plain(value) for name, value in pairs if _is_one(name.partition("[")[0].strip())]


def _in_body(request: Request, headers: HeaderFacts) -> list[str]:
    body = request.body
    if request.method in _WITHOUT_BODY and not (isinstance(body, bytes) and body):
        return []
    if body is BodyState.TOO_LARGE:
        raise RequestRefused(Reason.BODY_TOO_LARGE)
    if not isinstance(body, bytes) or not body:
        raise RequestRefused(Reason.BODY_NOT_SHOWN)
    if headers.encoded or headers.foreign:
        raise RequestRefused(Reason.BODY_NOT_JSON)
    try:
        members = parse_json_object(body, None)
    except NotStrictJson:
        raise RequestRefused(Reason.BODY_NOT_JSON) from None
    named: list[str] = []
    for name, value in members.items():
        if _is_one(name) and value is not None:
            named += [_plain(item) for item in (value if isinstance(value, list) else [value])]
    return named


def _is_one(name: str) -> bool:
    if name in _NAMES:
        return True
    if name.casefold() in _NAMES:
        raise RequestRefused(Reason.PARAMETER_DENIED)
    return False


def _plain(value: object) -> str:
    if isinstance(value, str) and value and value.isprintable():
        return value
    raise RequestRefused(Reason.PARAMETER_DENIED)
