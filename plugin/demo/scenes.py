"""What the tour asks: one scene each, with the token it needs, what should come of it, and why."""

from collections.abc import Callable
from dataclasses import dataclass

from gatepass.plugin.demo.accounts import NIGHTLY_BATCH, SEARCH_INDEXER, STOPPED_CLOCK
from gatepass.plugin.demo.asking import Call, Expected
from gatepass.plugin.demo.keys import forge, key_id, new_key
from gatepass.plugin.demo.settings import OTHER_MODEL, calls_within_budget
from gatepass.plugin.demo.sign_in import IdentityProvider

_ADMIN_ROUTE = "/user/new"
_CHALLENGE = ("www-authenticate",)

_SEARCH = {"x-gatepass-team-id": "search", "x-gatepass-role": "team"}
_BATCH = {"x-gatepass-team-id": "batch", "x-gatepass-role": "team"}
_ALICE = {"x-gatepass-user": "alice", "x-gatepass-role": "internal_user"}
_GRACE = {"x-gatepass-user": "grace", "x-gatepass-role": "proxy_admin"}

_LONG_ANSWER_TOKENS = 4_000


@dataclass(frozen=True, slots=True)
class Scene:
    """One request: `call` fetches the token at the provider and says what is sent."""

    name: str
    why: str
    call: Callable[[IdentityProvider], Call]
    expected: Expected


def _as_search(provider: IdentityProvider) -> str:
    return provider.machine_token(SEARCH_INDEXER)


def _with_forged_signature(provider: IdentityProvider) -> Call:
    token = _as_search(provider)
    return Call(forge(token, new_key(str(key_id(token)))))


def _on_admin_route(name: str) -> Callable[[IdentityProvider], Call]:
    def call(provider: IdentityProvider) -> Call:
        token = provider.person_tokens(name).access_token
        return Call(token, path=_ADMIN_ROUTE, model=None)

    return call


def _with_smuggled_names(provider: IdentityProvider) -> Call:
    names = ("X-Gatepass-User", "x_gatepass_user", "X-GATEPASS_User")
    return Call(_as_search(provider), headers=[(name, "admin") for name in names])


def _long_answer(provider: IdentityProvider) -> Call:
    return Call(provider.machine_token(NIGHTLY_BATCH), max_tokens=_LONG_ANSWER_TOKENS)


REFUSED_TOKENS = (
    Scene(
        "no token",
        "a bearer token is the only credential here",
        lambda _provider: Call(),
        Expected(401, "no_token", answer_headers=_CHALLENGE),
    ),
    Scene(
        "garbage",
        "this is no JWT",
        lambda _provider: Call("let-me-in"),
        Expected(401, "malformed", answer_headers=_CHALLENGE),
    ),
    Scene(
        "an expired token",
        "the issuer signed it, but its time was over a minute ago",
        lambda provider: Call(provider.machine_token(STOPPED_CLOCK)),
        Expected(401, "expired", answer_headers=_CHALLENGE),
    ),
    Scene(
        "another issuer's key",
        "the claims and the key's name are right; the key is not",
        _with_forged_signature,
        Expected(401, "bad_signature", answer_headers=_CHALLENGE),
    ),
    Scene(
        "an ID token",
        "it tells the chat app who signed in; it is not meant for the gateway",
        lambda provider: Call(provider.person_tokens("alice").id_token),
        Expected(401, "wrong_token_type", answer_headers=_CHALLENGE),
    ),
)

MACHINE = Scene(
    "a machine of team search",
    "signed, meant for us, and the team may; the token itself goes no further",
    lambda provider: Call(_as_search(provider)),
    Expected(200, upstream=_SEARCH),
)

NEW_PERSON = Scene(
    "a person seen for the first time",
    "alice signed in by code and PKCE; her row was made on the spot",
    lambda provider: Call(provider.person_tokens("alice").access_token),
    Expected(200, upstream=_ALICE),
)

RULES = (
    Scene(
        "a route above the role",
        "alice is an internal_user; only administrators make users",
        _on_admin_route("alice"),
        Expected(403, "route_denied"),
    ),
    Scene(
        "the same by an administrator",
        "grace's group platform-admins is mapped to proxy_admin",
        _on_admin_route("grace"),
        Expected(200, upstream=_GRACE),
    ),
    Scene(
        "a model that the team may not call",
        "the route is allowed, the model in the body is not",
        lambda provider: Call(_as_search(provider), model=OTHER_MODEL),
        Expected(403, "model_denied"),
    ),
    Scene(
        "smuggled identity headers",
        "the client says admin in three spellings; the upstream hears only us",
        _with_smuggled_names,
        Expected(200, upstream=_SEARCH),
    ),
)

WITHIN_BUDGET = Scene(
    "calls within the budget",
    "each reserves what it may cost at most",
    _long_answer,
    Expected(200, upstream=_BATCH),
)

CALLS_WITHIN_BUDGET = calls_within_budget(
    len(Call(max_tokens=_LONG_ANSWER_TOKENS).body()), _LONG_ANSWER_TOKENS
)

BEYOND_BUDGET = Scene(
    "the budget is used up",
    f"team batch may spend $0.01 a day: {CALLS_WITHIN_BUDGET} such calls passed, no more fit",
    _long_answer,
    Expected(429, "budget_exceeded", answer_headers=("retry-after",)),
)

ROTATED = Scene(
    "the issuer rotates its key",
    "a key name not seen before: the keys are fetched anew, and the token passes at once",
    lambda provider: Call(_as_search(provider)),
    Expected(200, upstream=_SEARCH),
)
