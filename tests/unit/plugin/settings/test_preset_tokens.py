"""Tokens as each provider makes them, judged by the example that docs/issuers.md gives for it."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatepass.jwks import TokenRefused, VerifiedToken, Verifier
from gatepass.jwks.errors import TokenFault
from gatepass.plugin.settings import compile_settings, make_settings
from gatepass.plugin.settings.compiled import Compiled
from gatepass.plugin.settings.presets import PRESETS
from gatepass.rbac.identity import Identity, identify
from support.gates import chat, decide, open_gate
from support.settings import LEAST
from support.tokens import signing_key
from support.vendors import VENDORS
from support.vendors.shape import Claims, Who

PAGE = Path(__file__).parents[4] / "docs" / "issuers.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
FILLS = {found[1]: block for block in BLOCKS if (found := re.match(r"# (\S+) fills in\n", block))}
EXAMPLES = [block for block in BLOCKS if block not in FILLS.values() and "- preset:" in block]
KEY = signing_key("RS256")

NAMES = pytest.mark.parametrize("name", VENDORS)


def read(block: str) -> dict[str, Any]:
    values = yaml.load(block, yaml.BaseLoader)  # noqa: S506 - it makes text, lists and dicts
    assert isinstance(values, dict)
    return values


def example(name: str, **changes: object) -> dict[str, Any]:
    """Return the issuer of a preset's example, with a key of ours in place of the provider's."""
    (issuer,) = (
        issuer
        for block in EXAMPLES
        for issuer in read(block)["issuers"]
        if issuer["preset"] == name
    )
    issuer.pop("jwks_uri", None)
    return {**issuer, "jwks": {"keys": [KEY.jwk(alg=None)]}, **changes}


def compiled(issuer: Mapping[str, object]) -> Compiled:
    return compile_settings(make_settings({**LEAST, "issuers": [issuer]}))


@asynccontextmanager
async def judge(issuer: Mapping[str, object]) -> AsyncIterator["Judge"]:
    settings = compiled(issuer)
    verifier = Verifier(settings.issuers)
    yield Judge(settings, verifier)
    await verifier.close()


class Judge:
    """One issuer's settings at work."""

    def __init__(self, settings: Compiled, verifier: Verifier) -> None:
        self.settings = settings
        self.verifier = verifier

    async def verify(self, name: str, claims: Claims, header: Claims) -> VerifiedToken:
        vendor = VENDORS[name]
        token = KEY.token({"nbf": None, **vendor.claims, **claims}, {**vendor.header, **header})
        return await self.verifier.verify(token)

    async def who(self, name: str, claims: Claims, header: Claims) -> Identity:
        token = await self.verify(name, claims, header)
        (names,) = self.settings.policy.claim_names.values()
        return identify(token, names, self.settings.policy.roles)

    async def fault(self, name: str, claims: Claims, header: Claims) -> TokenFault:
        with pytest.raises(TokenRefused) as refused:
            await self.verify(name, claims, header)
        return refused.value.fault


def told(identity: Identity) -> Who:
    return Who(
        identity.user_id,
        identity.email if identity.email_verified else None,
        identity.teams,
        identity.roles,
        identity.scopes,
    )


def test_every_preset_has_its_tokens_its_example_and_its_lines() -> None:
    assert set(VENDORS) == set(PRESETS) == set(FILLS)
    assert len(EXAMPLES) == len(PRESETS)


@pytest.mark.parametrize("block", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_of_the_page_loads_as_it_stands(block: str) -> None:
    assert make_settings({**LEAST, **read(block)})


@NAMES
def test_the_printed_lines_are_the_preset(name: str) -> None:
    """With the lines in the file and without the preset, the same comes out."""
    lines = read(FILLS[name])
    assert lines == PRESETS[name]
    issuer = example(name)
    claims = {**lines.get("claims", {}), **issuer.get("claims", {})}
    written = {**lines, **issuer, "claims": claims}
    del written["preset"]
    written.pop("jwks_hosts", None)
    with_preset, without = compiled(issuer), compiled(written)
    assert with_preset.issuers == without.issuers
    assert with_preset.policy.claim_names == without.policy.claim_names


@NAMES
async def test_an_access_token_passes_and_names_whom_it_means(name: str) -> None:
    vendor = VENDORS[name]
    async with judge(example(name)) as judged:
        for header in ({}, *vendor.headers):
            assert told(await judged.who(name, {}, header)) == vendor.who
        for claims, who in vendor.also.values():
            assert told(await judged.who(name, claims, {})) == who


@pytest.mark.parametrize(
    ("name", "other"),
    [
        pytest.param(name, other, id=f"{name}: {other}")
        for name, vendor in VENDORS.items()
        for other in vendor.others
    ],
)
async def test_sec_15_what_looks_like_it_does_not_pass(name: str, other: str) -> None:
    claims, fault = VENDORS[name].others[other]
    async with judge(example(name)) as judged:
        assert await judged.fault(name, claims, {}) is fault


@NAMES
async def test_sec_15_other_types_in_the_header_do_not_pass(name: str) -> None:
    async with judge(example(name)) as judged:
        for header in (*VENDORS[name].bad_headers, {"typ": "id+jwt"}):
            assert await judged.fault(name, {}, header) is TokenFault.WRONG_TOKEN_TYPE


@NAMES
async def test_sec_52_an_address_alone_is_believed_of_nobody(name: str) -> None:
    said = {"email": "boss@acme.example", "email_verified": None, "xms_edov": None}
    async with judge(example(name)) as judged:
        assert not (await judged.who(name, said, {})).email_verified
        for value in ("true", 1, [True], None):
            claims = said | {"email_verified": value, "xms_edov": value}
            assert not (await judged.who(name, claims, {})).email_verified


async def test_sec_52_google_speaks_for_organizations_alone() -> None:
    issuer = example("google")
    del issuer["require_claims"]
    async with judge(issuer) as judged:
        for hd in (None, "", " ", 1, ["acme.example"], True):
            identity = await judged.who("google", {"hd": hd}, {})
            assert (identity.email, identity.email_verified) == ("ann@acme.example", False)
        assert (await judged.who("google", {}, {})).email_verified


@pytest.mark.parametrize(
    ("name", "changes", "claims", "header"),
    [
        ("auth0", {"typ_required": "false"}, {}, {"typ": None}),
        ("auth0", {"token_types": ["x+jwt"]}, {}, {"typ": "x+jwt"}),
        ("cognito", {"type_claims": {"token_use": ["id"]}}, {"token_use": "id"}, {}),
        ("cognito", {"audience_claim": "username", "audience": ["ann"]}, {}, {}),
        ("entra", {"type_claims": {}}, {"ver": "1.0"}, {}),
        ("entra", {"access_token_claims": []}, {"azp": None}, {}),
        ("google", {"issuer": "accounts.google.com"}, {"iss": "accounts.google.com"}, {}),
        ("google", {"require_claims": {}}, {"hd": None}, {}),
        ("keycloak", {"type_claims": {"typ": ["Offline"]}}, {"typ": "Offline"}, {}),
    ],
)
async def test_what_the_file_says_counts(
    name: str, changes: Claims, claims: Claims, header: Claims
) -> None:
    async with judge(example(name)) as judged:
        assert await judged.fault(name, claims, header) if claims or header else True
    async with judge(example(name, **changes)) as judged:
        assert await judged.verify(name, claims, header)


async def test_what_the_file_says_can_be_stricter() -> None:
    async with judge(example("google", allow_id_tokens="no")) as judged:
        assert await judged.fault("google", {}, {}) is TokenFault.WRONG_TOKEN_TYPE
    async with judge(example("okta", require_claims={"cid": ["other"]})) as judged:
        assert await judged.fault("okta", {}, {}) is TokenFault.BAD_CLAIM


async def test_claims_are_overridden_one_by_one() -> None:
    claims = {"user": "preferred_username", "team": "azp", "email_verified": []}
    async with judge(example("entra", claims=claims)) as judged:
        identity = await judged.who("entra", {"xms_edov": True, "roles": ["a"]}, {})
    assert identity.user_id == "ann@acme.example"
    assert identity.team == "75dbe77f-10a3-4e59-85fd-8c127544f17c"
    assert not identity.email_verified
    assert identity.roles == ("a",)
    assert identity.teams == ("5a1c0a52-6f1e-4f8e-9d58-3d1d7d3f8f11",)


async def test_a_person_and_a_machine_of_a_preset_at_the_gate(tmp_path: Path) -> None:
    issuer = example("okta", claims={"team": "cid", "teams": []})
    okta = VENDORS["okta"]
    machine = {**okta.claims, **okta.also["an application for itself"][0]}
    id_token = {**okta.claims, **okta.others["an ID token"][0]}
    async with open_gate(tmp_path, issuers=[issuer]) as gate:
        person = await decide(gate, chat(KEY.token({"nbf": None, **okta.claims}, okta.header)))
        assert person.allowed
        assert (b"x-gatepass-user", b"00ujmkLgagxeRrAg20g3") in person.set_headers
        assert (b"x-gatepass-role", b"internal_user") in person.set_headers
        program = await decide(gate, chat(KEY.token({"nbf": None, **machine}, okta.header)))
        assert program.allowed
        assert (b"x-gatepass-role", b"team") in program.set_headers
        assert (b"x-gatepass-team-id", b"nmdP1fcyvdVO11AL7ECm") in program.set_headers
        other = await decide(gate, chat(KEY.token({"nbf": None, **id_token}, okta.header)))
        assert (other.status, other.reason.code) == (401, "wrong_token_type")
