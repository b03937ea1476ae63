"""The verdict, the same for every gateway: yes or no, who it is, and which headers change.

`apply_headers` is the one place where a verdict meets a header list; whatever an adapter cannot do
by itself it does with this function, and tests compare every gateway's real outcome with it.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec

from gatepass.plugin.budget_refusal import BudgetRefusal, with_limit
from gatepass.plugin.headers import Header, fold_name
from gatepass.plugin.reasons import Reason
from gatepass.rbac.identity import Identity
from gatepass.rbac.linking import LinkDenied
from gatepass.rbac.principals import Principals
from gatepass.rbac.roles import Role

if TYPE_CHECKING:
    from gatepass.plugin.request import BodyState

_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    413: "invalid_request_error",
    429: "insufficient_quota",
    431: "invalid_request_error",
    503: "service_unavailable",
}


class Caller(msgspec.Struct, frozen=True):
    """Who passed: the identity, the rows behind it, and the role that counts."""

    identity: Identity
    principals: Principals
    role: Role

    @property
    def user_id(self) -> str | None:
        """Return the user's id, the stored one where there is a row; None for a machine."""
        user = self.principals.user
        return self.identity.user_id if user is None else user.user_id


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that deciding brought about and that an operator may want to know."""

    kind: Literal[
        "user_created",
        "user_linked",
        "team_created",
        "end_user_created",
        "role_synced",
        "member_added",
        "member_removed",
    ]
    subject_id: str


class Allow(msgspec.Struct, frozen=True):
    """Pass the request on, after the header changes.

    `caller` is None on a public route. `remove_headers` holds folded names: every spelling of them
    goes; then `set_headers` are added.
    """

    request_id: str
    caller: Caller | None
    set_headers: tuple[Header, ...]
    remove_headers: frozenset[bytes]
    effects: tuple[Effect, ...] = ()

    allowed: ClassVar[bool] = True
    status: ClassVar[int] = 200
    reason: ClassVar[Reason] = Reason.ALLOWED
    body: ClassVar[bytes] = b""
    response_headers: ClassVar[tuple[Header, ...]] = ()

    @property
    def identity(self) -> Identity | None:
        """Return who it is, or None on a public route."""
        return None if self.caller is None else self.caller.identity


@dataclass(frozen=True, slots=True)
class Deny:
    """Answer the client with `status`, `response_headers` and `body`; the upstream sees nothing.

    `limit` is the one that refused, where one did. `unlinked` is why a row that matched is not the
    caller's, where that is so: for whoever runs the service alone, and no part of the body.
    """

    reason: Reason
    response_headers: tuple[Header, ...] = ()
    limit: BudgetRefusal | None = None
    unlinked: LinkDenied | None = None

    allowed: ClassVar[bool] = False
    request_id: ClassVar[str] = ""
    caller: ClassVar[Caller | None] = None
    identity: ClassVar[Identity | None] = None
    set_headers: ClassVar[tuple[Header, ...]] = ()
    remove_headers: ClassVar[frozenset[bytes]] = frozenset()
    effects: ClassVar[tuple[Effect, ...]] = ()

    @property
    def status(self) -> int:
        """Return the HTTP status of the reason."""
        return self.reason.status

    @property
    def body(self) -> bytes:
        """Return the error body in the OpenAI shape, as JSON in UTF-8."""
        body = error_body(self.reason)
        return body if self.limit is None else with_limit(body, self.limit)


@dataclass(frozen=True, slots=True)
class Unavailable(Deny):
    """We cannot know: an issuer, a store, a deadline or our own fault. Never the client's doing."""


@dataclass(frozen=True, slots=True)
class BodyWanted(Deny):
    """Refused as long as the body is not read, and the way to go on once it is.

    `conclude` takes the body, or why there is none, and returns the decision, or None when too much
    time has passed and the whole request must be judged again. `who` is the issuer and the subject
    of whoever is waited for.
    """

    who: tuple[str, str] = field(kw_only=True)
    conclude: "Callable[[bytes | BodyState], Decision | None]" = field(kw_only=True)


Decision = Allow | Deny | Unavailable | BodyWanted


@cache
def error_body(reason: Reason) -> bytes:
    """Return the body for a refusal, in the shape that OpenAI clients parse."""
    error = {
        "message": reason.sentence,
        "type": _ERROR_TYPES[reason.status],
        "param": None,
        "code": reason.code,
    }
    return json.dumps({"error": error}).encode()


def refusal(reason: Reason, response_headers: tuple[Header, ...] = ()) -> Deny:
    """Return the refusal of the right kind for a reason: Unavailable when it is ours, else Deny."""
    kind = Unavailable if reason.status == 503 else Deny  # noqa: PLR2004 - the status of "we cannot know"
    return kind(reason, (*_content_type(), *response_headers))


def _content_type() -> tuple[Header, ...]:
    return ((b"content-type", b"application/json"),)


def spellings_to_remove(decision: Decision, headers: Iterable[Header]) -> list[bytes]:
    """Return the header names, as the client spelled them, that must not reach the upstream."""
    return [name for name, _ in headers if fold_name(name) in decision.remove_headers]


def apply_headers(decision: Decision, headers: Iterable[Header]) -> list[Header]:
    """Return what the upstream receives: the client's headers, less what goes, plus what we set."""
    kept = [pair for pair in headers if fold_name(pair[0]) not in decision.remove_headers]
    return [*kept, *decision.set_headers]
