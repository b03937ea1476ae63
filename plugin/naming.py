"""The models that a request names, and whether it may stay silent about them.

A call of an inference route must name its model. Where the body was not shown, cut or unreadable,
the request is refused if any rule or budget needs the model, unless the profile lists the route
under `unsafe_unseen_model_routes`; a body above the door's limit is refused without that way out.
Where nobody needs the model, a body that says to be no JSON may be anything in which no reader of
JSON finds members; one that is JSON is still held against the members that are not allowed.
Routes that spend nothing (`ModelUse.NONE`) are not asked, so their bodies may be of any size and
kind.
"""

import msgspec

from gatepass.plugin.body import BodyFacts, is_model_name, read_body
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.inspection import HeaderFacts
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import BodyState, Request
from gatepass.plugin.routing import Route
from gatepass.rbac.model_use import ModelUse


class Naming(msgspec.Struct, frozen=True, gc=False):
    """The models that a request names, and what bounds its cost; `facts` None: body not judged."""

    models: tuple[str, ...]
    facts: BodyFacts | None
    body_bytes: int


NAMES_NOTHING = Naming((), None, 0)
_BEFORE_AN_OBJECT = b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"


def name_models(
    request: Request, route: Route, headers: HeaderFacts, *, model_decides: bool
) -> Naming:
    """Return the models that the request names.

    `model_decides` says that a model rule or a money limit applies to the caller.

    Raises:
        RequestRefused: the model has to be known and is not.

    """
    if route.use is ModelUse.NONE:
        return NAMES_NOTHING
    body = request.body
    if body is BodyState.TOO_LARGE:
        raise RequestRefused(Reason.BODY_TOO_LARGE)
    in_path = () if route.model is None else _path_model(route.model)
    must_read = model_decides or route.must_name_model
    if isinstance(body, BodyState) or not body:
        if must_read and not route.may_hide_model:
            raise RequestRefused(Reason.BODY_NOT_SHOWN)
        return Naming(in_path, None, 0)
    try:
        if headers.encoded or headers.foreign:
            raise RequestRefused(Reason.BODY_NOT_JSON)  # noqa: TRY301 - as if it could not be read
        bounds = route.bounds if must_read else None
        facts = read_body(body, route.profile.allowed_parameters, bounds)
    except RequestRefused as refused:
        if refused.code != Reason.BODY_NOT_JSON.code:
            raise
        if not route.may_hide_model and (must_read or not _is_other_matter(body, headers)):
            raise
        return Naming(in_path, None, len(body))
    models = tuple(dict.fromkeys(in_path + facts.models)) if in_path else facts.models
    if not models and must_read and route.use is ModelUse.REQUIRED:
        raise RequestRefused(Reason.MODEL_MISSING)
    return Naming(models, facts, len(body))


def _is_other_matter(body: bytes, headers: HeaderFacts) -> bool:
    """Answer whether nobody can take the body for a JSON object, in no encoding of Unicode."""
    if headers.encoded or not headers.foreign:
        return False
    return body.lstrip(_BEFORE_AN_OBJECT)[:1] != b"{"


def _path_model(name: str) -> tuple[str]:
    if not is_model_name(name):
        raise RequestRefused(Reason.MODEL_DENIED)
    return (name,)
