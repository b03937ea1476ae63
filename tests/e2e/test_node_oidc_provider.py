"""Machine tokens of node's oidc-provider, certified and not ours, through Envoy to a real Gate."""

import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from support.e2e import Deployment, code_of, deployment
from support.raw_http import ask
from support.servers import free_port, running

CLIENT = "indexer"
RESOURCE = "urn:example:llm"
SCRIPT = Path(__file__).with_name("oidc_provider.mjs")
NODE_FOLDER = Path(sys.prefix) / "node"
INSTALL_SECONDS = 100

SETTINGS = """
issuers:
  - issuer: {issuer}
    audience: {audience}
    allow_http_loopback: true
    token_types: [at+jwt]
    typ_required: true
    claims: {{user: uid, team: team_id}}
profiles:
  default:
    permissions:
      team: {{routes: [openai_routes], models: all}}
teams: {{upsert: true, defaults: {{models: [gpt-4o-mini]}}}}
"""

OPAQUE = f"{RESOURCE}:opaque"
ASKING = """
    keys: none
    introspection: {{client_id: gatepass, client_secret: {secret}, cache: 1s}}
"""


@dataclass(frozen=True)
class NodeProvider:
    issuer: str
    secret: str

    def token(self, **asked: str) -> str:
        """Return an access token by the client credentials grant."""
        data = {"grant_type": "client_credentials", **asked}
        auth = (CLIENT, self.secret)
        answer = httpx.post(f"{self.issuer}/token", data=data, auth=auth, trust_env=False)
        return str(answer.raise_for_status().json()["access_token"])

    def revoke(self, token: str) -> None:
        auth = (CLIENT, self.secret)
        url = f"{self.issuer}/token/revocation"
        httpx.post(url, data={"token": token}, auth=auth, trust_env=False).raise_for_status()


@pytest.fixture(scope="module")
def modules() -> Path:
    """Install oidc-provider beside the virtual environment's packages, once."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("NODE'S OIDC-PROVIDER IS NOT TESTED HERE: node and npm are needed")
    if not (NODE_FOLDER / "node_modules" / "oidc-provider").is_dir():
        NODE_FOLDER.mkdir(exist_ok=True)
        options = ("--no-audit", "--no-fund", "--loglevel", "error", "--prefix", NODE_FOLDER)
        try:
            subprocess.run(
                [npm, "install", *options, "oidc-provider@9"],
                check=True,
                capture_output=True,
                timeout=INSTALL_SECONDS,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            pytest.skip("NODE'S OIDC-PROVIDER IS NOT TESTED HERE: npm could not install it")
    return NODE_FOLDER


@pytest.fixture(scope="module")
def provider(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProvider]:
    port, secret = free_port(), secrets.token_urlsafe(12)
    # node looks for modules from the script's own folder upward
    script = modules / SCRIPT.name
    script.write_bytes(SCRIPT.read_bytes())
    command = ["node", str(script), str(port), secret]

    def answers() -> bool:
        return ask(port, "GET", "/.well-known/openid-configuration").status == 200

    with running(command, tmp_path_factory.mktemp("node"), answers):
        yield NodeProvider(f"http://127.0.0.1:{port}", secret)


@pytest.fixture(scope="module")
def gate(provider: NodeProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    settings = SETTINGS.format(issuer=provider.issuer, audience=RESOURCE)
    with deployment(tmp_path_factory.mktemp("gate"), settings) as running_gate:
        yield running_gate


def test_a_machine_of_a_real_provider_passes_for_its_team(
    provider: NodeProvider, gate: Deployment
) -> None:
    assert gate.chat(provider.token(resource=RESOURCE)).status == 200
    assert gate.passed() == {"x-gatepass-team-id": "search", "x-gatepass-role": "team"}


def test_the_model_rule_of_the_team_holds(provider: NodeProvider, gate: Deployment) -> None:
    reply = gate.chat(provider.token(resource=RESOURCE), model="gpt-4o")
    assert (reply.status, code_of(reply)) == (403, "model_denied")
    assert gate.passed() is None


def test_a_token_for_another_resource_is_refused(provider: NodeProvider, gate: Deployment) -> None:
    reply = gate.chat(provider.token(resource="urn:example:warehouse"))
    assert (reply.status, code_of(reply)) == (401, "bad_audience")
    assert gate.passed() is None


def test_an_opaque_token_for_no_resource_is_refused(
    provider: NodeProvider, gate: Deployment
) -> None:
    reply = gate.chat(provider.token())
    assert (reply.status, code_of(reply)) == (401, "malformed")
    assert gate.passed() is None


@pytest.fixture(scope="module")
def asking_gate(
    provider: NodeProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Serve a Gate that asks the provider about opaque tokens, at the address that it publishes."""
    settings = SETTINGS.format(issuer=provider.issuer, audience=OPAQUE)
    entry, profiles = settings.split("profiles:")
    settings = entry.rstrip() + ASKING.format(secret=provider.secret) + "profiles:" + profiles
    with deployment(tmp_path_factory.mktemp("asking"), settings) as running_gate:
        yield running_gate


def test_an_opaque_token_of_a_real_provider_passes_for_its_team(
    provider: NodeProvider, asking_gate: Deployment
) -> None:
    token = provider.token(resource=OPAQUE)
    assert "." not in token
    assert asking_gate.chat(token).status == 200
    assert asking_gate.passed() == {"x-gatepass-team-id": "search", "x-gatepass-role": "team"}


def test_sec_51_an_opaque_token_that_was_revoked_is_out(
    provider: NodeProvider, asking_gate: Deployment
) -> None:
    token = provider.token(resource=OPAQUE)
    assert asking_gate.chat(token).status == 200
    provider.revoke(token)
    deadline = time.monotonic() + 5
    while (reply := asking_gate.chat(token)).status == 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (reply.status, code_of(reply)) == (401, "inactive")
    assert asking_gate.passed() is None


def test_sec_12_opaque_tokens_that_do_not_fit_are_refused(
    provider: NodeProvider, asking_gate: Deployment
) -> None:
    for token, code in (
        (provider.token(resource="urn:example:other:opaque"), "bad_audience"),
        (provider.token(), "bad_audience"),
        (secrets.token_urlsafe(32), "inactive"),
        (provider.token(resource=RESOURCE), "bad_issuer"),
    ):
        reply = asking_gate.chat(token)
        assert (reply.status, code_of(reply)) == (401, code)
        assert asking_gate.passed() is None
