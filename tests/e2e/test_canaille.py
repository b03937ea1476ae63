"""Tokens of Canaille, an OpenID provider that is not ours, through a real Envoy to a real Gate.

Its access tokens are JWTs for the audience that the client was registered with, signed with RS512.
"""

import secrets
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey

from support.e2e import Deployment, code_of, deployment

if TYPE_CHECKING:
    from pytest_iam import Server

CLIENT = "chat"
SECRET = secrets.token_urlsafe(12)
REDIRECT_URI = "http://127.0.0.1/callback"
SCOPES = ["openid", "email", "groups"]

AT_MOST_SECONDS = 1.0 + 0.3
"""From a key's publication to passing: between two questions for keys, and what all steps take."""

# Canaille and its libraries warn of their own deprecations, which are not ours to fix
pytestmark = pytest.mark.filterwarnings("default")

SETTINGS = """
issuers:
  - issuer: {issuer}
    audience: chat
    algorithms: [RS256, RS512]
    allow_http_loopback: true
    claims: {{user: sub, email: email, roles: groups}}
roles:
  mappings: [{{value: llm-admins, role: proxy_admin}}]
profiles:
  default:
    permissions:
      internal_user: {{routes: [openai_routes], models: [gpt-4o-mini]}}
      proxy_admin: {{routes: [openai_routes], models: all}}
users: {{upsert: true, defaults: {{models: all}}}}
"""


@pytest.fixture(scope="session")
def iam_configuration(
    iam_configuration: Mapping[str, object], iam_server_port: int
) -> dict[str, object]:
    """Let Canaille call itself by its address instead of by the name localhost."""
    return {**iam_configuration, "SERVER_NAME": f"127.0.0.1:{iam_server_port}"}


@pytest.fixture(scope="module")
def canaille(iam_server: "Server") -> "Server":
    models = iam_server.models
    client = models.Client(
        client_id=CLIENT,
        client_secret=SECRET,
        client_name=CLIENT,
        client_uri="http://127.0.0.1",
        redirect_uris=[REDIRECT_URI],
        grant_types=["authorization_code"],
        response_types=["code"],
        token_endpoint_auth_method="client_secret_basic",
        scope=SCOPES,
    )
    iam_server.backend.save(client)
    client.audience = [client]  # only what is stored can be referred to
    iam_server.backend.save(client)
    grace = iam_server.random_user(user_name="grace", emails=["grace@example.com"])
    iam_server.random_user(user_name="alice", emails=["alice@example.com"])
    iam_server.random_group(display_name="llm-admins", members=[grace])
    return iam_server


@pytest.fixture(scope="module")
def gate(canaille: "Server", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    issuer = f"http://127.0.0.1:{canaille.port}"
    with deployment(tmp_path_factory.mktemp("gate"), SETTINGS.format(issuer=issuer)) as running:
        yield running


def sign_in(canaille: "Server", name: str) -> dict[str, str]:
    """Walk the code flow over HTTP for a person whose session is open, and return the tokens."""
    user = canaille.backend.get(canaille.models.User, user_name=name)
    canaille.login(user)
    canaille.consent(user)
    with httpx.Client(trust_env=False) as http:
        base = f"http://127.0.0.1:{canaille.port}"
        metadata = http.get(f"{base}/.well-known/openid-configuration").json()
        asked = {
            "response_type": "code",
            "client_id": CLIENT,
            "redirect_uri": REDIRECT_URI,
            "scope": " ".join(SCOPES),
            "state": "s",
            "nonce": secrets.token_urlsafe(8),
        }
        location = http.get(metadata["authorization_endpoint"], params=asked).headers["location"]
        exchange = {
            "grant_type": "authorization_code",
            "code": parse_qs(urlsplit(location).query)["code"][0],
            "redirect_uri": REDIRECT_URI,
        }
        answer = http.post(metadata["token_endpoint"], data=exchange, auth=(CLIENT, SECRET))
        tokens: dict[str, str] = answer.raise_for_status().json()
    return tokens


def test_a_person_of_a_real_provider_passes(canaille: "Server", gate: Deployment) -> None:
    assert gate.chat(sign_in(canaille, "alice")["access_token"]).status == 200
    assert gate.passed() == {"x-gatepass-user": "alice", "x-gatepass-role": "internal_user"}


def test_the_model_rule_of_the_role_holds(canaille: "Server", gate: Deployment) -> None:
    reply = gate.chat(sign_in(canaille, "alice")["access_token"], model="gpt-4o")
    assert (reply.status, code_of(reply)) == (403, "model_denied")
    assert gate.passed() is None


def test_a_group_of_the_provider_makes_an_administrator(
    canaille: "Server", gate: Deployment
) -> None:
    assert gate.chat(sign_in(canaille, "grace")["access_token"], model="gpt-4o").status == 200
    assert gate.passed() == {"x-gatepass-user": "grace", "x-gatepass-role": "proxy_admin"}


def test_sec_15_an_id_token_of_a_real_provider_is_no_access_token(
    canaille: "Server", gate: Deployment
) -> None:
    reply = gate.chat(sign_in(canaille, "alice")["id_token"])
    assert (reply.status, code_of(reply)) == (401, "wrong_token_type")
    assert gate.passed() is None


def test_a_changed_token_is_refused(canaille: "Server", gate: Deployment) -> None:
    header, payload, signature = sign_in(canaille, "alice")["access_token"].split(".")
    other = "B" if signature[0] == "A" else "A"
    reply = gate.chat(f"{header}.{payload}.{other}{signature[1:]}")
    assert (reply.status, code_of(reply)) == (401, "bad_signature")
    assert gate.passed() is None


def publish(canaille: "Server", *keys: RSAKey) -> None:
    """Let the provider sign with the first of these keys and publish them all."""
    active, *inactive = [key.as_dict(private=True) for key in keys]
    canaille.app.config["CANAILLE_OIDC"] |= {"ACTIVE_JWKS": [active], "INACTIVE_JWKS": inactive}


def seconds_until_passed(canaille: "Server", gate: Deployment) -> float:
    """Return how long a token of the key that signs now needs until it passes."""
    began = time.monotonic()
    token = sign_in(canaille, "alice")["access_token"]
    while gate.chat(token).status != 200:
        assert time.monotonic() < began + 10
        time.sleep(0.01)
    return time.monotonic() - began


def test_sec_24_a_key_that_a_real_provider_rotates_to_is_good_within_a_second(
    canaille: "Server", gate: Deployment
) -> None:
    first, second, third = (RSAKey.generate_key(2048, {"kid": f"k{n}"}) for n in range(3))
    publish(canaille, first)
    old = sign_in(canaille, "alice")["access_token"]
    seconds_until_passed(canaille, gate)
    publish(canaille, second, first)
    # each time the worst moment: the keys were asked for a little before
    assert seconds_until_passed(canaille, gate) < AT_MOST_SECONDS
    assert gate.chat(old).status == 200
    publish(canaille, third, second)
    assert seconds_until_passed(canaille, gate) < AT_MOST_SECONDS
    reply = gate.chat(old)
    assert (reply.status, code_of(reply)) == (401, "unknown_key")
