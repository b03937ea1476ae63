"""A provider of many tenants, as Entra ID publishes itself, through the whole Gate."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gatepass.plugin import Gate
from gatepass.plugin.decision import Allow
from support.gates import KEY, WITHOUT_KEYS, chat, code_of, open_gate, token
from support.jwks_server import JwksServer, ok
from support.tokens import signing_key

ACME = "72f988bf-86f1-41af-91ab-2d7cd011db47"
UMBRELLA = "fa15d692-e9c7-4460-a743-29f2956fd429"
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
CONSUMER_KEY = signing_key("EdDSA", "consumers")


@pytest.fixture
async def provider() -> AsyncIterator[JwksServer]:
    async with JwksServer() as server:
        template = server.url("/{tenantid}/v2.0")
        metadata = {"issuer": template, "jwks_uri": server.url("/common/discovery/v2.0/keys")}
        for name in ("common", "organizations"):
            path = f"/{name}/v2.0/.well-known/openid-configuration"
            server.serve(path, ok(json.dumps(metadata).encode()))
        keys = [
            KEY.jwk(issuer=template),
            CONSUMER_KEY.jwk(issuer=server.url(f"/{PERSONAL}/v2.0")),
        ]
        server.serve("/common/discovery/v2.0/keys", ok(json.dumps({"keys": keys}).encode()))
        yield server


def entry(server: JwksServer, **more: object) -> dict[str, object]:
    template = server.url("/{tenantid}/v2.0")
    return WITHOUT_KEYS | {"issuer": template, "allow_http_loopback": True} | more


def bearer(server: JwksServer, tenant: str, **claims: object) -> bytes:
    issuer = server.url(f"/{tenant}/v2.0")
    return token(**({"iss": issuer, "tid": tenant, "user": f"ann of {tenant}"} | claims))


async def identified(gate: Gate, token: bytes) -> tuple[str, str, str | None]:
    decision = await gate.decide(chat(token))
    assert isinstance(decision, Allow)
    assert decision.caller is not None
    identity = decision.caller.identity
    return identity.issuer, identity.subject, identity.user_id


async def test_sec_54_the_same_subject_of_two_tenants_is_two_people(
    tmp_path: Path, provider: JwksServer
) -> None:
    issuer = entry(provider, tenants=[ACME, UMBRELLA])
    async with open_gate(tmp_path, issuers=[issuer]) as gate:
        assert await gate.is_ready()
        for tenant in (ACME, UMBRELLA):
            assert await identified(gate, bearer(provider, tenant)) == (
                provider.url(f"/{tenant}/v2.0"),
                "user-1",
                f"ann of {tenant}",
            )
        assert await code_of(gate, chat(bearer(provider, PERSONAL))) == "bad_issuer"
        borrowed = bearer(provider, ACME, tid=UMBRELLA)
        assert await code_of(gate, chat(borrowed)) == "bad_issuer"
    assert provider.hits[0] == "/organizations/v2.0/.well-known/openid-configuration"


async def test_sec_16_the_key_of_personal_accounts_signs_for_no_company(
    tmp_path: Path, provider: JwksServer
) -> None:
    issuer = entry(provider, unsafe_any_tenant=True, discovery_tenant="common")
    async with open_gate(tmp_path, issuers=[issuer]) as gate:
        for tenant, code in ((PERSONAL, "allowed"), (ACME, "unknown_key")):
            claims = {"iss": provider.url(f"/{tenant}/v2.0"), "tid": tenant, "user": tenant}
            assert await code_of(gate, chat(CONSUMER_KEY.token(claims))) == code
        assert await code_of(gate, chat(bearer(provider, ACME))) == "allowed"
    assert provider.hits[0] == "/common/v2.0/.well-known/openid-configuration"
