"""A decision in Kong's terms.

Allowed: every spelling of a header that only we may set is cleared, because Kong clears exactly the
name that it is told and leaves `X_User_Id` beside `X-User-Id` (SEC-44), and so are those with which
Kong's own authentication tells who calls; ours are set; Kong's other plugins learn who calls
(`kong.client.authenticate`, and groups for its ACL plugin); a marker says that we decided. Refused:
Kong answers with our status, headers and body. Keys without a value are left out everywhere,
because Kong makes a text of a null.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID, uuid5

from gatepass.plugin.decision import Allow, Caller, Deny
from gatepass.plugin.gateways.kong.bounds import Consumer
from gatepass.plugin.gateways.kong.calls import (
    Authenticate,
    ClearHeader,
    Command,
    Exit,
    Proceed,
    SetHeaders,
    Share,
)
from gatepass.plugin.headers import Header, fold_name

_KONGS_OWN = frozenset(
    b"x-anonymous-consumer x-authenticated-groups x-authenticated-scope x-authenticated-userid "
    b"x-consumer-custom-id x-consumer-groups x-consumer-id x-consumer-username "
    b"x-credential-identifier x-credential-username".split()
)
"""What Kong's own authentication tells upstreams, and a client may not."""

GROUPS = b"authenticated_groups"
"""Where Kong's ACL plugin looks for groups that no entity of Kong's own stands for."""

_NAMESPACE = UUID("2f5d1c52-5b0c-5f0e-9d55-6a1f3b1d8a11")
_NO_STORE = (b"cache-control", b"no-store")


class _Names(NamedTuple):
    """What tells one caller from another, for Kong."""

    issuer: str
    subject: str
    role: str
    user: str | None
    team: str | None
    organization: str | None


def to_exit(refusal: Deny) -> Exit:
    """Return the answer for the client; Kong itself says how long it is."""
    return Exit(refusal.status, (*refusal.response_headers, _NO_STORE), refusal.body)


def to_proceed(decision: Allow, headers: Sequence[Header], consumer: Consumer) -> Proceed:
    """Return what is changed of an allowed request; `headers` are those of the client."""
    removed = _with_kongs_own(decision.remove_headers)
    gone = tuple(
        dict.fromkeys(
            [
                name
                for name, _ in headers
                # nearly every name is spelled as fold_name would, which costs more than to see it
                if name in removed
                or ((b"_" in name or not name.islower()) and fold_name(name) in removed)
            ]
        )
    )
    names = None if decision.caller is None else _names(decision.caller)
    return Proceed(_commands(gone, decision.set_headers, names, consumer), decision.request_id)


@lru_cache(maxsize=256)
def _with_kongs_own(names: frozenset[bytes]) -> frozenset[bytes]:
    return names | _KONGS_OWN


def _names(caller: Caller) -> _Names:
    identity, rows = caller.identity, caller.principals
    return _Names(
        identity.issuer,
        identity.subject,
        caller.role.value,
        caller.user_id,
        None if rows.team is None else rows.team.team_id,
        None if rows.organization is None else rows.organization.organization_id,
    )


@lru_cache(maxsize=4096)
def _commands(
    gone: tuple[bytes, ...],
    set_headers: tuple[Header, ...],
    names: _Names | None,
    consumer: Consumer,
) -> tuple[Command, ...]:
    """Return the changes; the same tuple again for the same caller with the same headers."""
    commands: list[Command] = [ClearHeader(name) for name in gone]
    if set_headers:
        commands.append(SetHeaders(set_headers))
    if names is not None:
        commands += [_authentication(names, consumer), Share(GROUPS, _groups(names))]
    return tuple(commands)


def _authentication(names: _Names, consumer: Consumer) -> Authenticate:
    credential = _uuid("credential", names.issuer, names.subject)
    consumed = {
        Consumer.USER: names.user,
        Consumer.TEAM: names.team,
        Consumer.ORGANIZATION: names.organization,
        Consumer.NONE: None,
    }[consumer]
    if consumed is None:
        return Authenticate(None, credential)
    return Authenticate((_uuid(consumer.value, consumed), consumed.encode()), credential)


def _groups(names: _Names) -> tuple[bytes, ...]:
    """Name the role and the rows, each with its kind, so that no team can be called like a role.

    Kong's ACL plugin tells the upstream all groups in one header, with commas between them; so a
    comma in a name is written `%2C`, and a percent sign `%25`.
    """
    kinds = (("role", names.role), ("team", names.team), ("organization", names.organization))
    return tuple(
        f"{kind}:{name.replace('%', '%25').replace(',', '%2C')}".encode()
        for kind, name in kinds
        if name is not None
    )


def _uuid(*parts: str) -> bytes:
    """Return an id that stays the same for as long as what it stands for does."""
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return str(uuid5(_NAMESPACE, text)).encode()
