"""The models that a request names, and whether it may stay silent about them.

A call of an inference route must name its model, and so must any other call that can name one when
a model rule or a budget binds the caller: what it leads to (a batch, a run) would use one unseen.
Where the body was not shown, cut or unreadable, the request is refused; only a body that was not
shown, or not all of it, passes when nobody needs the model and the caller may change guardrails: it
could do so unseen. A body that names a file of requests is refused where a rule or a budget binds:
nobody sees what they are, nor how many. The profile may list routes under
`unsafe_unseen_model_routes`, where all of that passes; a body above the door's limit is refused
without that way out. Routes that spend nothing (`ModelUse.NONE`) are not asked, so their bodies may
be of any size and kind. A body that can still be read does not come here: the Gate asks for it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from gatepass.plugin.body import BodyFacts, read_body
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.inspection import HeaderFacts
from gatepass.plugin.parameters import plain_name
from gatepass.plugin.query import names_denied
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import BodyState, Request
from gatepass.plugin.routing import Route
from gatepass.rbac.model_use import ModelUse
from gatepass.rbac.organizations import OrganizationUse

if TYPE_CHECKING:
    from gatepass.plugin.known_caller import Fitting


class Naming(msgspec.Struct, frozen=True, gc=False):
    """The models that a request names, and what bounds its cost; `facts` None: body not judged."""

    models: tuple[str, ...]
    facts: BodyFacts | None
    body_bytes: int

    def with_targets(self, aliases: Mapping[str, str]) -> "Naming":
        """Return the same with each alias as the model that it stands for."""
        models = tuple(dict.fromkeys([aliases.get(model, model) for model in self.models]))
        return self if models == self.models else Naming(models, self.facts, self.body_bytes)


NAMES_NOTHING = Naming((), None, 0)

# Looking up a member of an enum costs more than the comparison.
_NAMES_NONE = ModelUse.NONE
_MAY_NAME_ONE = ModelUse.OPTIONAL
_TOUCHES_NONE = OrganizationUse.NONE


def name_models(request: Request, route: Route, headers: HeaderFacts, fitting: "Fitting") -> Naming:
    """Return the models that the request names.

    `fitting` are those of whom one will act: what binds any of them has to be known.

    Raises:
        RequestRefused: the model has to be known and is not, or only a file says what is asked for.

    """
    if route.use is _NAMES_NONE:
        return NAMES_NOTHING
    if b"?" in request.target and _stands_in_query(request, route):
        raise RequestRefused(Reason.PARAMETER_DENIED)
    body = request.body
    in_path = () if route.model is None else (plain_name(route.model),)
    model_decides = fitting.model_decides
    must_read = model_decides or route.must_name_model or route.must_name_user
    if not isinstance(body, bytes) or not body:
        guarded = request.method == "POST" and fitting.is_guarded(route.profile)
        return _unseen(body, route, in_path, must_read=must_read or guarded)
    if headers.encoded or headers.foreign:
        return _unread(body, route, in_path)
    try:
        facts = read_body(
            body, route.profile.allowed_parameters, route.bounds if must_read else None
        )
    except RequestRefused as refused:
        if refused.code != Reason.BODY_NOT_JSON.code:
            raise
        return _unread(body, route, in_path)
    models = tuple(dict.fromkeys(in_path + facts.models)) if in_path else facts.models
    must_name = model_decides or route.must_name_model
    if not models and must_name and not (route.may_hide_model and route.use is _MAY_NAME_ONE):
        raise RequestRefused(Reason.MODEL_MISSING)
    if facts.names_files and model_decides and not route.may_hide_model:
        raise RequestRefused(Reason.FILE_NOT_SHOWN)
    return Naming(models, facts, len(body))


def wants_body(request: Request, route: Route) -> bool:
    """Tell whether a body that was not read yet decides about the request."""
    if route.use is _NAMES_NONE:
        return route.organization_use is not _TOUCHES_NONE
    return b"?" not in request.target or not _stands_in_query(request, route)


def _stands_in_query(request: Request, route: Route) -> bool:
    """Tell whether the query names what only a body may; asked when it is known who calls."""
    return names_denied(request.target, route.profile.allowed_parameters)


def _unseen(
    body: BodyState | bytes, route: Route, in_path: tuple[str, ...], *, must_read: bool
) -> Naming:
    if body is BodyState.TOO_LARGE:
        raise RequestRefused(Reason.BODY_TOO_LARGE)
    if must_read and not route.may_hide_model:
        raise RequestRefused(Reason.BODY_NOT_SHOWN)
    return Naming(in_path, None, 0)


def _unread(body: bytes, route: Route, in_path: tuple[str, ...]) -> Naming:
    if not route.may_hide_model:
        raise RequestRefused(Reason.BODY_NOT_JSON)
    return Naming(in_path, None, len(body))
