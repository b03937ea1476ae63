"""What is said of one provider's tokens in tests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gatepass.jwks.errors import TokenFault

Claims = Mapping[str, object]


class Who(NamedTuple):
    """Whom a token should be found to name; `email` only where the provider vouches for it."""

    user: str | None
    email: str | None = None
    teams: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Vendor:
    """An access token of a provider, and what it becomes when some of it changes.

    A change to None leaves a claim out. `also` are changes of `claims` that pass, and whom the
    token names then; `others` those that do not, and why. `headers` are changes of the header that
    pass, `bad_headers` those that do not.
    """

    header: Claims
    claims: Claims
    who: Who
    also: Mapping[str, tuple[Claims, Who]] = field(default_factory=dict)
    others: Mapping[str, tuple[Claims, TokenFault]] = field(default_factory=dict)
    headers: tuple[Claims, ...] = ()
    bad_headers: tuple[Claims, ...] = ()


TYPE = TokenFault.WRONG_TOKEN_TYPE
AUDIENCE = TokenFault.BAD_AUDIENCE
CLAIM = TokenFault.BAD_CLAIM

LOGOUT: Claims = {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}
SCOPES = frozenset({"openid", "chat"})

LLM = "https://llm.acme.example"
