"""Who the demo's identity provider knows: people, and clients that act for them or for a team.

The clients answer the questions that authlib asks of one (its `ClientMixin`), so they can be handed
to it as they are.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from gatepass.plugin.demo.keys import ALGORITHM

AUDIENCE = "llm-gateway"
"""Whom every access token of the demo is meant for."""

CHAT_APP = "chat-app"
"""The public client through which people sign in; it holds no secret, so it must use PKCE."""

SEARCH_INDEXER = "search-indexer"
"""A machine of the team "search"."""

NIGHTLY_BATCH = "nightly-batch"
"""A machine of the team "batch", which spends its whole budget."""

STOPPED_CLOCK = "stopped-clock"
"""A machine of the team "search" whose tokens come two minutes late and live for one."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in."""

    name: str
    groups: tuple[str, ...]

    def get_user_id(self) -> str:
        """Return the subject: stable, and not the name that colleagues know."""
        return f"person-{self.name}"

    def claims(self) -> dict[str, object]:
        """Return what tokens say about the person."""
        return {
            "uid": self.name,
            "email": f"{self.name}@example.com",
            "email_verified": True,
            "groups": list(self.groups),
        }


PEOPLE: Mapping[str, Person] = {
    "alice": Person("alice", ("engineering",)),
    "bob": Person("bob", ("engineering",)),
    "grace": Person("grace", ("engineering", "platform-admins")),
}


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client: with a `team` a machine that has a secret, without one a public app."""

    client_id: str
    secret: str
    team: str | None = None
    lifetime_seconds: int = 3600
    redirect_uri: str = ""
    clock_behind_seconds: int = 0
    id_token_signed_response_alg: str = ALGORITHM

    def claims(self) -> dict[str, object]:
        """Return what a token says about a machine; a person's token names no team."""
        return {} if self.team is None else {"team_id": self.team}

    def get_client_id(self) -> str:
        """Return the identifier."""
        return self.client_id

    def get_default_redirect_uri(self) -> str | None:
        """Return where codes go when the request names no address."""
        return self.redirect_uri or None

    def get_allowed_scope(self, scope: str | None) -> str:
        """Return the part of the wanted scope that the client may have."""
        return " ".join(word for word in (scope or "").split() if word in {"openid", "email"})

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Answer whether codes may go to this very address."""
        return bool(self.redirect_uri) and redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        """Answer whether this is the client's secret."""
        return hmac.compare_digest(self.secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        """Answer whether the client may prove itself so: machines by their secret, apps not."""
        return method == ("none" if self.team is None else "client_secret_basic")

    def check_response_type(self, response_type: str) -> bool:
        """Answer whether the authorization endpoint may answer so: codes, for apps."""
        return self.team is None and response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Answer whether the client may use this grant."""
        return grant_type == ("authorization_code" if self.team is None else "client_credentials")


def clients(secret: str, redirect_uri: str) -> Mapping[str, Client]:
    """Return the registered clients; `secret` is that of the machines, made anew for every run."""
    registered = (
        Client(CHAT_APP, "", redirect_uri=redirect_uri),
        Client(SEARCH_INDEXER, secret, team="search"),
        Client(NIGHTLY_BATCH, secret, team="batch"),
        Client(STOPPED_CLOCK, secret, team="search", lifetime_seconds=60, clock_behind_seconds=120),
    )
    return {client.client_id: client for client in registered}
