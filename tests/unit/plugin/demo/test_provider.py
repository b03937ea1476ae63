"""The demo's identity provider, asked over HTTP as clients and gateways ask it."""

import secrets
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from gatepass.plugin.demo.accounts import (
    AUDIENCE,
    CHAT_APP,
    NIGHTLY_BATCH,
    SEARCH_INDEXER,
    STOPPED_CLOCK,
)
from gatepass.plugin.demo.keys import forge, key_id, new_key
from gatepass.plugin.demo.sign_in import IdentityProvider, SignInFailed, s256_challenge
from support.demo import RunningProvider


def verified(provider: RunningProvider, token: str, audience: str = AUDIENCE) -> dict[str, object]:
    """Verify with PyJWT, a party that had no part in the making."""
    keys = jwt.PyJWKSet.from_dict(provider.http.get(f"{provider.issuer}/jwks").json())
    key = keys[str(key_id(token))]
    claims: dict[str, object] = jwt.decode(
        token, key, ["RS256"], audience=audience, issuer=provider.issuer
    )
    return claims


def test_discovery_names_the_very_issuer_and_endpoints_that_answer(
    provider: RunningProvider,
) -> None:
    document = provider.http.get(f"{provider.issuer}/.well-known/openid-configuration").json()
    assert document["issuer"] == provider.issuer
    assert provider.http.get(document["jwks_uri"]).json()["keys"]
    assert provider.http.post(document["token_endpoint"]).status_code == 400
    assert provider.http.get(document["authorization_endpoint"]).status_code == 400


def test_the_key_set_publishes_no_private_member(provider: RunningProvider) -> None:
    for key in provider.http.get(f"{provider.issuer}/jwks").json()["keys"]:
        assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}


def test_a_machine_token_names_the_team_and_no_person(provider: RunningProvider) -> None:
    token = provider.client.machine_token(SEARCH_INDEXER)
    claims = verified(provider, token)
    assert claims["sub"] == SEARCH_INDEXER
    assert claims["team_id"] == "search"
    assert "uid" not in claims
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"


def test_a_machine_with_a_wrong_secret_gets_nothing(provider: RunningProvider) -> None:
    stranger = IdentityProvider(provider.issuer, "guessed", provider.http)
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        stranger.machine_token(NIGHTLY_BATCH)


def test_the_machine_with_the_stopped_clock_gets_a_token_that_has_expired(
    provider: RunningProvider,
) -> None:
    with pytest.raises(jwt.ExpiredSignatureError):
        verified(provider, provider.client.machine_token(STOPPED_CLOCK))


def test_a_person_signs_in_with_code_and_pkce(provider: RunningProvider) -> None:
    tokens = provider.client.person_tokens("grace")
    claims = verified(provider, tokens.access_token)
    assert claims["sub"] == "person-grace"
    assert claims["uid"] == "grace"
    assert claims["email"] == "grace@example.com"
    assert claims["email_verified"] is True
    assert claims["groups"] == ["engineering", "platform-admins"]
    assert "team_id" not in claims
    assert verified(provider, tokens.id_token, audience=CHAT_APP)["uid"] == "grace"


def test_the_sign_in_page_shows_the_people_to_a_browser(provider: RunningProvider) -> None:
    asked = {
        "response_type": "code",
        "client_id": CHAT_APP,
        "redirect_uri": provider.client.redirect_uri,
        "code_challenge": s256_challenge("v" * 43),
        "code_challenge_method": "S256",
    }
    page = provider.http.get(f"{provider.issuer}/authorize", params=asked)
    assert 'value="alice"' in page.text


def test_a_stolen_code_is_worth_nothing_without_its_verifier(provider: RunningProvider) -> None:
    code = provider.client.authorization_code("alice", s256_challenge(secrets.token_urlsafe(48)))
    response = provider.client.exchange(code, secrets.token_urlsafe(48))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


def test_a_code_is_good_once(provider: RunningProvider) -> None:
    verifier = secrets.token_urlsafe(48)
    code = provider.client.authorization_code("alice", s256_challenge(verifier))
    assert provider.client.exchange(code, verifier).status_code == 200
    assert provider.client.exchange(code, verifier).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": "http://127.0.0.1:1/elsewhere"}, "invalid_request"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": SEARCH_INDEXER}, "invalid_request"),
    ],
)
def test_no_code_for_an_unknown_client_or_address(
    provider: RunningProvider, changes: dict[str, str], error: str
) -> None:
    asked = {
        "response_type": "code",
        "client_id": CHAT_APP,
        "redirect_uri": provider.client.redirect_uri,
    }
    response = provider.http.post(
        f"{provider.issuer}/authorize", params=asked | changes, data={"person": "alice"}
    )
    assert (response.status_code, response.json()["error"]) == (400, error)


@pytest.mark.parametrize("change", [{"code_challenge_method": "plain"}, {"code_challenge": "x"}])
def test_a_weak_challenge_is_sent_back_as_an_error(
    provider: RunningProvider, change: dict[str, str]
) -> None:
    asked = {
        "response_type": "code",
        "client_id": CHAT_APP,
        "redirect_uri": provider.client.redirect_uri,
        "code_challenge": s256_challenge("v" * 43),
        "code_challenge_method": "S256",
    }
    response = provider.http.post(
        f"{provider.issuer}/authorize", params=asked | change, data={"person": "alice"}
    )
    answer = parse_qs(urlsplit(response.headers.get("location", "")).query)
    error = answer["error"][0] if answer else response.json()["error"]
    assert error == "invalid_request"


def test_a_code_without_any_challenge_is_not_exchanged(provider: RunningProvider) -> None:
    asked = {
        "response_type": "code",
        "client_id": CHAT_APP,
        "redirect_uri": provider.client.redirect_uri,
    }
    response = provider.http.post(
        f"{provider.issuer}/authorize", params=asked, data={"person": "alice"}
    )
    code = parse_qs(urlsplit(response.headers["location"]).query)["code"][0]
    answer = provider.client.exchange(code, secrets.token_urlsafe(48))
    assert answer.json()["error"] == "invalid_request"


def test_nobody_else_than_the_listed_people_signs_in(provider: RunningProvider) -> None:
    with pytest.raises(SignInFailed):
        provider.client.authorization_code("mallory", s256_challenge("v" * 43))


def test_rotation_signs_with_a_new_key_and_the_old_tokens_still_verify(
    provider: RunningProvider,
) -> None:
    before = provider.client.machine_token(SEARCH_INDEXER)
    kid = provider.client.rotate()
    after = provider.client.machine_token(SEARCH_INDEXER)
    assert key_id(after) == kid != key_id(before)
    assert verified(provider, after)["sub"] == verified(provider, before)["sub"]


def test_two_rotations_retire_a_key(provider: RunningProvider) -> None:
    before = provider.client.machine_token(SEARCH_INDEXER)
    provider.client.rotate()
    provider.client.rotate()
    with pytest.raises(KeyError):
        verified(provider, before)


def test_a_forged_token_differs_in_its_signature_alone(provider: RunningProvider) -> None:
    token = provider.client.machine_token(SEARCH_INDEXER)
    forged = forge(token, new_key(str(key_id(token))))
    assert jwt.decode(forged, options={"verify_signature": False}) == jwt.decode(
        token, options={"verify_signature": False}
    )
    assert jwt.get_unverified_header(forged) == jwt.get_unverified_header(token)
    with pytest.raises(jwt.InvalidSignatureError):
        verified(provider, forged)
