"""The one table of decisions that is run through every gateway.

Where gateways differ, the difference is theirs and stands in `but`: some refuse by themselves what
Gatepass would refuse, some hide the body, Traefik cleans paths before anybody sees them (it then
sends the clean path upstream too, so that the decision is about the right one).
"""

import json
from collections.abc import Mapping

from support.gatepass_service import KEY, bearer
from support.gateway_cases import ALICE, BODY_IS_HIDDEN, Case, Name, Outcome, own
from support.tokens import signing_key

TOKEN = ("Authorization", bearer())
HIDDEN = Outcome(400, "body_not_shown")
UNSEEN: Mapping[Name, Outcome] = dict.fromkeys(BODY_IS_HIDDEN, HIDDEN)
AMBIGUOUS = Outcome(400, "ambiguous_path")
CHAT = "/v1/chat/completions"
MEBIBYTE = 1024 * 1024

FORGED = tuple(
    (name, value)
    for name, value in (
        ("X-Original-URI", "{path}"),
        ("X-Original-URL", "{path}"),
        ("X-Original-Method", "GET"),
        ("X-Forwarded-Uri", "{path}"),
        ("X-Forwarded-Method", "GET"),
        ("X-Rewrite-URL", "{path}"),
        ("X-Envoy-Original-Path", "{path}"),
        ("Forwarded", "for=127.0.0.1;host=gateway.example"),
    )
)


def forged(path: str) -> tuple[tuple[str, str], ...]:
    """Return every header that some gateway or framework takes a path from."""
    return tuple((name, value.format(path=path)) for name, value in FORGED)


def chat(**members: object) -> bytes:
    return json.dumps({"model": "gpt-4o-mini", "max_tokens": 10, **members}).encode()


def _expired() -> str:
    return bearer(exp=1_700_000_000, nbf=None, iat=None)


def _foreign() -> str:
    return "Bearer " + signing_key("EdDSA", "stranger").token({"sub": "alice"}).decode()


CREDENTIALS = (
    Case("sec_48_allowed", headers=(TOKEN,)),
    Case(
        "sec_34_allowed_with_query",
        "/v1/models?a=%2f..//&b=;",
        headers=(TOKEN,),
        but={"traefik": Outcome(target="/v1/models?a=%2f..//&b=&")},
    ),
    Case("allowed_head", method="HEAD", headers=(TOKEN,)),
    Case("sec_64_no_token", expected=Outcome(401, "no_token")),
    Case("token_in_query", f"/v1/models?access_token={KEY.kid}", Outcome(401, "no_token")),
    Case(
        "garbage", headers=(("Authorization", "Bearer x.y.z"),), expected=Outcome(401, "malformed")
    ),
    Case(
        "sec_43_not_utf_8",
        headers=(("Authorization", b"Bearer \xff\xfe.e.e"),),
        expected=Outcome(401, "malformed"),
    ),
    Case("expired", headers=(("Authorization", _expired()),), expected=Outcome(401, "expired")),
    Case(
        "another_issuers_key",
        headers=(("Authorization", _foreign()),),
        expected=Outcome(401, "unknown_key"),
    ),
    Case(
        "sec_43_two_authorization_headers",
        headers=(TOKEN, ("Authorization", bearer("bob"))),
        expected=Outcome(400, "two_tokens"),
        but=dict.fromkeys(("nginx", "kong", "apisix"), own(400)),
    ),
    Case(
        "sec_43_two_tokens_in_one_header",
        headers=(("Authorization", f"{bearer()}, {bearer('bob')}"),),
        expected=Outcome(400, "two_tokens"),
    ),
    Case(
        "sec_47_a_name_beyond_ascii",
        headers=(("Authorization", bearer("zo\u00eb%")),),
        expected=Outcome(told={**ALICE, "user": "zo%C3%AB%25"}),
    ),
    Case(
        "a_team_of_the_callers_choice",
        headers=(("Authorization", bearer("bob", team_id="red")), ("X-Gatepass-Team", "red")),
        expected=Outcome(told={"user": "bob", "team-id": "red", "role": "internal_user"}),
    ),
    Case(
        "a_team_that_is_not_the_callers",
        headers=(TOKEN, ("X-Gatepass-Team", "red")),
        expected=Outcome(403, "team_not_yours"),
    ),
)

SENT = Outcome(400, "identity_header_sent")
SMUGGLED = (
    Case(
        "sec_44_user",
        headers=(TOKEN, ("X-Gatepass-User", "admin"), ("X-Gatepass-User", "root")),
        but={"nginx": SENT, "traefik": SENT},
    ),
    Case(
        "sec_44_user_in_underscores",
        headers=(TOKEN, ("x_gatepass_user", "admin")),
        but={"envoy": own(400), "traefik": SENT},
    ),
    Case(
        "sec_44_role_in_mixed_spelling",
        headers=(TOKEN, ("X-GATEPASS_Role", "proxy_admin")),
        but={"envoy": own(400), "traefik": SENT},
    ),
    Case(
        "sec_46_team_of_a_user_without_team",
        headers=(TOKEN, ("X-Gatepass-Team-Id", "admins")),
        but={"nginx": SENT, "traefik": SENT},
    ),
    Case(
        "sec_44_the_requests_id",
        headers=(TOKEN, ("X-Gatepass-Request", "r-1")),
        but={"nginx": SENT, "traefik": SENT},
    ),
    Case(
        "sec_44_the_requests_id_in_underscores",
        headers=(TOKEN, ("x_gatepass_request", "r-1")),
        but={"envoy": own(400), "traefik": SENT},
    ),
    Case(
        "sec_45_connection_names_ours",
        headers=(TOKEN, ("Connection", "close, X-Gatepass-User, X-Gatepass-Request")),
    ),
    Case(
        "sec_45_connection_names_the_token",
        headers=(TOKEN, ("Connection", "close, Authorization")),
        # these two drop it before they ask; the others leave it alone
        but={"envoy": Outcome(401, "no_token"), "traefik": Outcome(401, "no_token")},
    ),
)

PATHS = (
    Case("sec_39_route", "/key/generate", Outcome(403, "route_denied"), headers=(TOKEN,)),
    Case(
        "sec_37_forged_path_to_a_denied_route",
        "/key/generate",
        Outcome(403, "route_denied"),
        headers=(TOKEN, *forged("/v1/models")),
    ),
    Case("sec_32_forged_path_away_from_an_allowed_one", headers=(TOKEN, *forged("/key/generate"))),
    Case(
        "sec_45_connection_names_the_forwarded_path",
        "/key/generate",
        Outcome(403, "route_denied"),
        headers=(
            TOKEN,
            *forged("/v1/models"),
            ("Connection", "close, X-Original-URI, X-Forwarded-Uri, X-Forwarded-Method"),
        ),
    ),
    Case(
        "sec_33_double_slash",
        "/v1//models",
        AMBIGUOUS,
        headers=(TOKEN,),
        but={"traefik": Outcome(target="/v1/models")},
    ),
    Case(
        "sec_33_dots_to_a_denied_route",
        "/v1/models/../../key/generate",
        AMBIGUOUS,
        headers=(TOKEN,),
        but={"traefik": Outcome(403, "route_denied")},
    ),
    Case(
        "sec_33_dots_in_disguise",
        "/key/%2e%2e/v1/models",
        AMBIGUOUS,
        headers=(TOKEN,),
        but={"traefik": Outcome(target="/v1/models")},
    ),
    Case("sec_33_encoded_slash", "/v1%2fmodels", AMBIGUOUS, headers=(TOKEN,)),
    Case("sec_33_backslash", "/v1\\models", AMBIGUOUS, headers=(TOKEN,)),
    Case("sec_33_semicolon", "/v1/models;x=/key", AMBIGUOUS, headers=(TOKEN,)),
    Case(
        "sec_33_nul",
        "/v1/models%00",
        AMBIGUOUS,
        headers=(TOKEN,),
        but=dict.fromkeys(("nginx", "kong", "apisix"), own(400)),
    ),
    Case(
        "sec_33_fragment",
        "/v1/models#/../key",
        AMBIGUOUS,
        headers=(TOKEN,),
        but={"envoy": own(400), "traefik": own(400)},
    ),
    Case(
        "sec_33_beyond_ascii",
        "/v1/models\u00e9".encode("latin-1"),
        AMBIGUOUS,
        headers=(TOKEN,),
        but={"envoy": own(400), "asgi": own(400)},
    ),
    Case(
        "an_absolute_target",
        "http://evil.example/v1/models",
        Outcome(target="/v1/models"),
        headers=(TOKEN,),
    ),
    Case(
        "sec_34_route_in_the_query",
        "/key/generate?/v1/models",
        Outcome(403, "route_denied"),
        headers=(TOKEN,),
    ),
    Case(
        "sec_36_another_letter_case", "/V1/models", Outcome(403, "route_denied"), headers=(TOKEN,)
    ),
)

METHODS = (
    Case(
        "sec_38_method_override",
        headers=(TOKEN, ("X-HTTP-Method-Override", "DELETE")),
        expected=Outcome(400, "bad_method"),
    ),
    Case(
        "a_method_in_small_letters",
        method="get",
        headers=(TOKEN,),
        expected=Outcome(400, "bad_method"),
        but=dict.fromkeys(("envoy", "nginx", "asgi", "kong", "apisix"), own(400)),
    ),
    Case(
        "an_unknown_method",
        method="BREW",
        headers=(TOKEN,),
        expected=Outcome(400, "bad_method"),
        but={"envoy": own(400), "asgi": own(400), "apisix": own(500)},
    ),
    Case(
        "trace",
        method="TRACE",
        headers=(TOKEN,),
        expected=Outcome(400, "bad_method"),
        but=dict.fromkeys(("nginx", "kong", "apisix"), own(405)),
    ),
    Case("sec_42_options", method="OPTIONS", expected=Outcome(401, "no_token")),
)


def _post(
    name: str,
    body: bytes,
    expected: Outcome,
    *headers: tuple[str, str],
    but: Mapping[Name, Outcome] | None = None,
) -> Case:
    return Case(name, CHAT, expected, "POST", (TOKEN, *headers), body, {**UNSEEN, **(but or {})})


BODIES = (
    _post("allowed_model", chat(), Outcome()),
    _post("sec_57_denied_model", chat(model="o3"), Outcome(403, "model_denied")),
    _post("sec_58_two_models", b'{"model":"gpt-4o","model":"o3"}', Outcome(400, "body_not_json")),
    _post("sec_58_fallbacks", chat(fallbacks=["o3"]), Outcome(403, "model_denied")),
    _post("not_json", b"model=gpt-4o", Outcome(400, "body_not_json")),
    _post("compressed", b"\x1f\x8b", Outcome(400, "body_not_json"), ("Content-Encoding", "gzip")),
    _post("no_body", b"", HIDDEN),
    _post("budget", chat(max_tokens=10_000_000), Outcome(429, "budget_exceeded")),
    _post("largest_body", chat(x="y" * (MEBIBYTE - 60)).ljust(MEBIBYTE), Outcome()),
    _post("a_body_too_large", b"x" * (MEBIBYTE + 1), Outcome(413, "body_too_large")),
    _post(
        "a_body_far_too_large",
        b"x" * (3 * MEBIBYTE),
        Outcome(413, "body_too_large"),
        but={"traefik": own(401)},
    ),
)

CROWDS = (
    Case(
        "a_hundred_headers",
        headers=(TOKEN, *((f"X-{number}", "v") for number in range(100))),
        but={"envoy": own(431), "apisix": Outcome(431, "headers_cut")},
    ),
)

TABLE = (*CREDENTIALS, *SMUGGLED, *PATHS, *METHODS, *BODIES, *CROWDS)
