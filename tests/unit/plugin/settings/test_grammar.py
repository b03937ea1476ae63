"""Values that the other packages compile: routes, models, claims, key sets."""

import json
from collections.abc import Mapping

import pytest

from gatepass.plugin.settings.grammar import to_key_set, to_model_choice
from gatepass.plugin.settings.problems import BadValue
from support.settings import issuer_with, sentences_of, settings_with
from support.tokens import key_set, signing_key

PUBLIC = json.loads(key_set(signing_key("ES256"), signing_key("EdDSA")))


def refused(value: object) -> list[str]:
    with pytest.raises(BadValue) as raised:
        to_key_set(value)
    return [finding.sentence for finding in raised.value.findings]


def with_key(*keys: object) -> Mapping[str, object]:
    return {"keys": [*PUBLIC["keys"], *keys]}


def test_a_key_set_is_yaml_or_json() -> None:
    assert json.loads(to_key_set(PUBLIC)) == PUBLIC
    assert json.loads(to_key_set(json.dumps(PUBLIC))) == PUBLIC


def test_scalars_of_yaml_become_what_json_would_have() -> None:
    key = PUBLIC["keys"][0]
    in_yaml = {"keys": [key | {"ext": "true", "key_ops": ("verify",)}]}
    assert json.loads(to_key_set(in_yaml)) == {"keys": [key | {"ext": True, "key_ops": ["verify"]}]}


def test_sec_30_a_private_or_symmetric_key_is_refused_loudly() -> None:
    private = signing_key("ES256").jwk(d="AA", kid="p")
    symmetric = {"kty": "oct", "kid": "s", "k": "c2VjcmV0"}
    sentence = "holds a private or symmetric key; remove it here and withdraw it there"
    assert refused(with_key(private)) == refused(with_key(symmetric)) == [sentence]


@pytest.mark.parametrize(
    ("value", "sentences"),
    [
        (with_key({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}), ["weak"]),
        (with_key({"kty": "EC", "crv": "P-256", "x": "AA"}), ["malformed"]),
        (with_key("key"), ["not an object"]),
        (
            with_key(signing_key("ES256").jwk(), {"kty": "RSA", "e": "AQAB"}),
            ["ambiguous kid", "malformed"],
        ),
    ],
)
def test_sec_28_a_broken_key_is_refused_where_somebody_wrote_it(
    value: object, sentences: list[str]
) -> None:
    assert refused(value) == [f"holds a key that cannot be used: {word}" for word in sentences]


def test_a_key_for_another_purpose_may_lie_beside() -> None:
    other = signing_key("ES384").jwk(use="enc", kid="e")
    assert to_key_set(with_key(other, {"kty": "new"}))
    assert refused({"keys": [other]}) == ["holds no key that verifies signatures"]


@pytest.mark.parametrize(
    "value",
    [{}, {"keys": []}, {"keys": "x"}, "", "{", "[]", '{"keys": [], "keys": []}', {"keys": 1}],
)
def test_what_is_no_key_set(value: object) -> None:
    (sentence,) = refused(value)
    assert sentence.startswith("not a usable JWK Set: ")


def test_what_is_no_json() -> None:
    assert refused({"keys": [object()]}) == ["holds something that is not JSON"]
    assert refused(["key"]) == refused(None) == ["must be a JWK Set: {keys: [...]}"]


@pytest.mark.parametrize(
    ("value", "choice"),
    [
        ("all", "all"),
        ([], ()),
        (["gpt-4o*", "all-MiniLM"], ("gpt-4o*", "all-MiniLM")),
        ("gpt-4o", ("gpt-4o",)),
        (["*"], ("*",)),
    ],
)
def test_sec_57_models(value: object, choice: object) -> None:
    assert to_model_choice(value) == choice


@pytest.mark.parametrize("value", ["All", ["all"], [""], [None], {"a": "b"}, None, "", ["x" * 257]])
def test_sec_57_what_is_no_choice_of_models(value: object) -> None:
    with pytest.raises(BadValue):
        to_model_choice(value)


def test_sec_57_the_number_of_slow_patterns_is_bounded() -> None:
    with pytest.raises(BadValue) as raised:
        to_model_choice([f"a*{number}" for number in range(101)])
    assert "more than 100 model patterns" in raised.value.findings[0].sentence


def routes(*entries: str) -> list[str]:
    found = sentences_of(profiles={"default": {"public_routes": list(entries)}})
    return [sentence.removeprefix("profiles.default.public_routes") for sentence in found]


def test_wrong_routes_are_named_one_by_one() -> None:
    assert routes("openai_routs", "openai_routes", "v1/models", "PUSH /x", "/a//b", "") == [
        '[0]: there is no route group of this name; did you mean "openai_routes"?',
        "[2]: a route is a path that starts with /, the name of a known group, or *",
        "[3]: before a path may stand one method of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        "[4]: no request could match this path: it is ambiguous or malformed",
        "[5]: must not be empty",
    ]


def test_own_groups_count_wherever_routes_are_named() -> None:
    settings = settings_with(
        route_groups={"my-api": "/v1/custom/*"},
        profiles={
            "default": {
                "public_routes": "my-api",
                "unsafe_unseen_model_routes": ["my-api"],
                "permissions": {"team": {"routes": ["my-api", "GET /x"]}},
            }
        },
    )
    assert settings.profiles["default"].public_routes == ("my-api",)


@pytest.mark.parametrize("name", ["a.b", "1a", "_a", "", "/a", "x" * 65])
def test_a_group_has_a_name_that_a_route_list_can_hold(name: str) -> None:
    assert sentences_of(route_groups={name: ["/x"]})


def test_claim_names_are_judged_by_their_compiler() -> None:
    settings = issuer_with(claims={"team": "https://corp.example/team", "teams": r"a\.b.c"})
    assert settings.issuers[0].claims.team == ("https://corp.example/team",)
    issuer = {"issuer": "https://idp.example", "audience": "a", "claims": {"user": ["sub", "a..b"]}}
    assert sentences_of(issuers=[issuer]) == [
        (
            "issuers[0].claims.user[1]: "
            r"a claim name may hold no empty part between dots and no \ but in \."
        )
    ]
