"""What a preset fills in, what it leaves alone, and what is said about a wrong one."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from gatepass.plugin.settings.presets import PRESETS, with_preset
from support.settings import issuer_with, problems_of, sentences_of, settings_with

LIST = "auth0, cognito, entra, entra-v1, generic, google, keycloak, okta, ping"
PLAIN_HTTP = (
    "keys cannot be fetched there: not https; plain http passes only to 127.0.0.1, with "
    "allow_http_loopback: true"
)
BAD_NAME = "a claim name may hold no empty part between dots and no \\ but in \\."


def problems(tmp_path: Path, *lines: str) -> list[str]:
    """Return the problems of a file whose only issuer has these lines; they begin in line 2."""
    issuer = "".join(f"{'  - ' if i == 0 else '    '}{line}\n" for i, line in enumerate(lines))
    return problems_of(tmp_path, f"issuers:\n{issuer}profiles: {{default: {{}}}}\n")


def test_a_preset_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    wrong = f"issuers[0].preset: there is no such preset; possible: {LIST}"
    lines = ("issuer: https://a.example", "audience: a")
    assert problems(tmp_path, "preset: azure", *lines) == [f"2:5: {wrong}"]
    assert problems(tmp_path, *lines, "preset: Okta") == [f"4:5: {wrong}"]
    assert problems(tmp_path, *lines, "preset: [okta]") == ["4:5: issuers[0].preset: must be text"]
    assert problems(tmp_path, *lines, "presets: okta") == [
        '4:5: issuers[0].presets: unknown setting; did you mean "preset"?'
    ]


def test_a_preset_leaves_open_what_only_the_deployment_knows(tmp_path: Path) -> None:
    audience = "audience: name at least one, or say unsafe_any_audience: true"
    assert problems(tmp_path, "preset: google") == [f"2:5: issuers[0].{audience}"]
    assert problems(tmp_path, "preset: okta") == [
        f"2:5: issuers[0].{audience}",
        "2:5: issuers[0].issuer: required, but missing",
    ]


def test_other_problems_are_found_beside_a_preset(tmp_path: Path) -> None:
    assert problems(
        tmp_path,
        "preset: cognito",
        "issuer: http://a.example",
        "audience: a",
        "type_claims: {token_use: []}",
        "require_claims: {hd: []}",
        "access_token_claims: {}",
        "allow_id_tokens: perhaps",
        "claims: {email_owner: a..b, user: sub, e_mail: email}",
    ) == [
        f"3:5: issuers[0].issuer: {PLAIN_HTTP}",
        "5:19: issuers[0].type_claims.token_use: name at least one",
        "6:22: issuers[0].require_claims.hd: name at least one",
        "7:5: issuers[0].access_token_claims: must be a list",
        "8:5: issuers[0].allow_id_tokens: must be true or false",
        f"9:14: issuers[0].claims.email_owner: {BAD_NAME}",
        '9:44: issuers[0].claims.e_mail: unknown setting; did you mean "email"?',
    ]
    assert problems(tmp_path, "preset: okta", "issuer: https://a", "audience: a", "claims:") == [
        "5:5: issuers[0].claims: has no value; give it one, or leave the line out"
    ]
    assert sentences_of(issuers=["okta"]) == ["issuers[0]: must be a mapping"]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_known_by_its_name_afterwards(name: str) -> None:
    assert issuer_with(preset=name).issuers[0].preset == name
    assert issuer_with().issuers[0].preset is None
    assert issuer_with(preset=None).issuers[0].preset is None


def test_generic_is_what_counts_without_a_preset() -> None:
    plain, generic = issuer_with().issuers[0], issuer_with(preset="generic").issuers[0]
    assert plain.model_dump() | {"preset": "generic"} == generic.model_dump()


@pytest.mark.parametrize("name", ["google", "entra-v1"])
@pytest.mark.parametrize(
    "place", [{"jwks_uri": "https://a.example/k"}, {"jwks_file": "k.json"}, {"keys": "discovery"}]
)
def test_hosts_of_keys_are_filled_in_for_discovery_alone(
    name: str, place: Mapping[str, object]
) -> None:
    hosts = issuer_with(preset=name, **place).issuers[0].jwks_hosts
    assert hosts == ((PRESETS[name]["jwks_hosts"],) if "keys" in place else ())
    own = ["keys.example"]
    assert issuer_with(preset=name, jwks_hosts=own).issuers[0].jwks_hosts == tuple(own)


def test_presets_of_several_issuers_do_not_mix() -> None:
    okta = {"preset": "okta", "issuer": "https://a.example", "audience": "a"}
    plain = {"issuer": "https://b.example", "audience": "a"}
    google = {"preset": "google", "audience": "a"}
    issuers = settings_with(issuers=[okta, plain, google]).issuers
    assert [issuer.claims.user for issuer in issuers] == [("uid",), ("sub",), ("sub",)]
    assert [issuer.allow_id_tokens for issuer in issuers] == [False, False, True]
    assert PRESETS["google"]["claims"] == {"email_owner": "hd", "roles": [], "scopes": []}


def test_values_that_are_no_settings_are_left_for_the_checks() -> None:
    some: tuple[dict[str, object], ...] = (
        {"preset": 7},
        {"preset": "okta", "claims": "sub"},
        {"claims": {}},
    )
    for values in some:
        assert with_preset(values).items() >= values.items()
