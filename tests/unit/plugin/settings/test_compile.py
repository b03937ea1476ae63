"""What the settings mean once they are compiled; the defaults above all."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from gatepass.jwks.discovery import Metadata
from gatepass.jwks.errors import ConfigurationError
from gatepass.jwks.fetch import HttpFetcher
from gatepass.jwks.freshness import DEFAULT_FRESHNESS, Freshness
from gatepass.jwks.proxy import Proxy
from gatepass.jwks.rules import DEFAULT_TOKEN_TYPES, IssuerRules
from gatepass.jwks.source import DiscoveredKeys, FileKeys, InlineKeys, UrlKeys
from gatepass.plugin.directory.rules import DirectoryRules, RowDefaults
from gatepass.plugin.directory.sqlite import database_path
from gatepass.plugin.gateways.kong.bounds import Consumer, KongDoor
from gatepass.plugin.gateways.listener import Address
from gatepass.plugin.settings import Compiled, HttpDoor, Settings, compile_settings, load_settings
from gatepass.plugin.settings.problems import Origin
from gatepass.rbac.claims import ClaimPath
from gatepass.rbac.roles import Role, RoleMapping, RoleRules
from gatepass.rbac.route_groups import ROUTE_GROUPS
from support.limits import template
from support.settings import ISSUER, LEAST, issuer_with, settings_with
from support.tokens import key_set, signing_key

EXAMPLE = Path(__file__).parents[4] / "examples" / "gatepass.yaml"


def compiled(**sections: object) -> Compiled:
    return compile_settings(settings_with(**sections))


def test_sec_39_what_is_not_said_is_closed() -> None:
    everything = compiled()
    profile = everything.policy.profiles["default"]
    assert profile.permissions == {}
    for matcher in (profile.public_routes, profile.unseen_model_routes):
        assert not any(
            matcher.allows(method, path)
            for method in ("GET", "POST")
            for path in ("/", "/v1/models", "/v1/chat/completions", "/health", "/key/generate")
        )
    assert profile.require_model
    assert profile.allowed_parameters == frozenset()
    assert not profile.allow_token_upstream
    assert everything.policy.roles == RoleRules()
    assert everything.directory == DirectoryRules()
    assert everything.prices.table.price_of("of-our-own", 0.0) is None


def test_sec_39_a_role_has_what_is_said_and_no_more() -> None:
    permissions = {"team": {"routes": ["GET /v1/models"]}, "internal_user": {"models": "all"}}
    profile = compiled(profiles={"p": {"permissions": permissions}}).policy.profiles["p"]
    assert profile.permissions.keys() == {Role.TEAM, Role.INTERNAL_USER}
    team, user = profile.permissions[Role.TEAM], profile.permissions[Role.INTERNAL_USER]
    assert team.routes.allows("GET", "/v1/models")
    assert not team.routes.allows("POST", "/v1/models")
    assert not team.models.allows("gpt-4o")
    assert not user.routes.allows("GET", "/v1/models")
    assert user.models.everything


def test_the_rules_of_an_issuer_by_default() -> None:
    (issuer,) = compiled().issuers
    assert issuer.rules == IssuerRules(
        issuer="https://idp.example",
        audiences=frozenset({"llm-gateway"}),
        algorithms=frozenset({"RS256"}),
        token_types=DEFAULT_TOKEN_TYPES,
        absent_type_allowed=True,
        type_claims={"typ": frozenset({"bearer"}), "token_use": frozenset({"access"})},
        leeway_seconds=10,
        max_lifetime_seconds=None,
    )
    assert issuer.freshness == DEFAULT_FRESHNESS
    assert isinstance(issuer.source, DiscoveredKeys)
    assert (issuer.source.issuer, issuer.source.allowed_hosts) == ("https://idp.example", set())
    assert not issuer.source.allow_http_loopback


def test_the_rules_of_an_issuer_as_said() -> None:
    settings = issuer_with(
        audience=["a", "b"],
        algorithms=["ES256", "EdDSA"],
        token_types=["application/AT+JWT", "JWT"],
        typ_required="yes",
        type_claims={"typ": ["Bearer", "DPoP"]},
        access_token_claims="azp",
        allow_id_tokens="yes",
        audience_claim="client_id",
        require_claims={"hd": ["Acme.example", "b"], "acr": "2"},
        leeway="1m",
        max_lifetime="24h",
        allow_padding="on",
        refresh="10m",
        min_refetch="30s",
        max_stale="1d",
        min_refresh="2m",
        jwks_hosts="keys.example",
    )
    (issuer,) = compile_settings(settings).issuers
    assert issuer.rules == IssuerRules(
        issuer="https://idp.example",
        audiences=frozenset({"a", "b"}),
        algorithms=frozenset({"ES256", "EdDSA"}),
        token_types=frozenset({"at+jwt", "jwt"}),
        absent_type_allowed=False,
        type_claims={"typ": frozenset({"bearer", "dpop"})},
        access_token_claims=frozenset({"azp"}),
        id_tokens_allowed=True,
        audience_claim="client_id",
        required_claims={"hd": frozenset({"Acme.example", "b"}), "acr": frozenset({"2"})},
        leeway_seconds=60,
        max_lifetime_seconds=86_400,
        allow_padding=True,
    )
    assert issuer.freshness == Freshness(600, 30, 86_400, 120)
    assert isinstance(issuer.source, DiscoveredKeys)
    assert issuer.source.allowed_hosts == {"keys.example"}


def test_where_keys_come_from(tmp_path: Path) -> None:
    document = key_set(signing_key("ES256"))
    settings = issuer_with(jwks=document.decode())
    assert compile_settings(settings).issuers[0].source == InlineKeys(document)
    settings = issuer_with(jwks_file="keys/a.json")
    settings.remember(Origin(folder=tmp_path))
    assert compile_settings(settings).issuers[0].source == FileKeys(tmp_path / "keys/a.json")
    settings = issuer_with(jwks_file="/keys/a.json")
    assert compile_settings(settings).issuers[0].source == FileKeys(Path("/keys/a.json"))
    source = compile_settings(issuer_with(jwks_uri="https://a.example/k")).issuers[0].source
    assert isinstance(source, UrlKeys)
    assert source.url == "https://a.example/k"


def test_where_the_last_keys_are_kept(tmp_path: Path) -> None:
    assert compiled().issuers[0].keys_folder is None
    settings = settings_with(stores={"keys_cache": "keys"})
    settings.remember(Origin(folder=tmp_path))
    assert compile_settings(settings).issuers[0].keys_folder == tmp_path / "keys"


def test_how_an_issuer_is_found_and_asked(tmp_path: Path) -> None:
    settings = issuer_with(
        keys="oauth-metadata",
        fetch_timeout="3s",
        allow_networks="10.0.0.0/8",
        ca_file="ca.pem",
        proxy="http://proxy.corp:3128",
    )
    settings.remember(Origin(folder=tmp_path))
    source = compile_settings(settings).issuers[0].source
    assert isinstance(source, DiscoveredKeys)
    assert source.metadata is Metadata.OAUTH
    fetcher = source.fetcher
    assert isinstance(fetcher, HttpFetcher)
    assert fetcher._timeout_seconds == 3
    assert fetcher._allow_networks == (ip_network("10.0.0.0/8"),)
    assert fetcher._ca_file == tmp_path / "ca.pem"
    assert fetcher._proxy == Proxy("http://proxy.corp:3128")
    by_default = compile_settings(issuer_with()).issuers[0].source
    assert isinstance(by_default, DiscoveredKeys)
    assert by_default.metadata is Metadata.OPENID
    assert isinstance(by_default.fetcher, HttpFetcher)
    assert by_default.fetcher._ca_file is None
    assert by_default.fetcher._allow_networks == ()


def test_claim_names_are_kept_per_issuer() -> None:
    other = {"issuer": "https://b.example", "audience": "a", "claims": {"user": ["uid", "a.b"]}}
    names = compiled(issuers=[ISSUER, other]).policy.claim_names
    assert names["https://idp.example"].user == (ClaimPath("sub", ()),)
    assert names["https://idp.example"].email == (ClaimPath("email", ()),)
    assert names["https://idp.example"].roles == (ClaimPath("roles", ()),)
    assert names["https://idp.example"].scopes == (ClaimPath("scope", ()), ClaimPath("scp", ()))
    for absent in ("team", "teams", "organization", "end_user"):
        assert getattr(names["https://idp.example"], absent) == ()
    assert names["https://b.example"].user == (ClaimPath("uid", ()), ClaimPath("a.b", ("a", "b")))


def test_roles_and_their_order() -> None:
    mappings = [{"value": "b", "role": "team"}, {"value": "a", "role": "proxy_admin"}]
    rules = compiled(roles={"admin_scope": "admin", "mappings": mappings}).policy.roles
    assert rules == RoleRules(
        "admin", (RoleMapping("b", Role.TEAM), RoleMapping("a", Role.PROXY_ADMIN))
    )


def test_profiles() -> None:
    profile = compiled(
        route_groups={"mine": ["/mine/*", "PUT /x"]},
        profiles={
            "edge": {
                "public_routes": ["GET /status"],
                "permissions": {"team": {"routes": ["mine", "info_routes"], "models": ["a*"]}},
                "require_model": "no",
                "unsafe_unseen_model_routes": ["/mine/*"],
                "allow_parameters": ["fallbacks"],
                "allow_token_upstream": "true",
            }
        },
    ).policy.profiles["edge"]
    assert profile.name == "edge"
    assert profile.public_routes.allows("GET", "/status")
    team = profile.permissions[Role.TEAM]
    assert team.routes.allows("POST", "/mine/a")
    assert team.routes.allows("PUT", "/x")
    assert not team.routes.allows("GET", "/x")
    known = next(route for route in ROUTE_GROUPS["info_routes"] if route.startswith("/"))
    assert team.routes.allows("GET", known)
    assert team.models.allows("ab")
    assert not team.models.allows("b")
    assert not profile.require_model
    assert profile.unseen_model_routes.allows("POST", "/mine/a")
    assert profile.allowed_parameters == {"fallbacks"}
    assert profile.allow_token_upstream


def test_rows_that_are_made_on_the_fly() -> None:
    rules = compiled(
        users={"upsert": True, "defaults": {"budget": "$50 per 30d", "models": ["a*"]}},
        teams={"upsert": "yes", "defaults": {"budget": "$0", "models": []}},
    ).directory
    assert rules == DirectoryRules(
        user_upsert=True,
        team_upsert=True,
        user_defaults=RowDefaults(template(50_000_000_000, 2_592_000), ("a*",)),
        team_defaults=RowDefaults(template(0, None), ()),
    )


def test_headers_are_lower_case_bytes_and_reserved_ones_folded() -> None:
    everything = compiled(
        headers={"user": "X-User", "reserved": ["X_Tenant", "x-tenant", "X-More"]},
        token_headers=["Authorization", "X-Api-Key"],
        teams={"header": "X_Team"},
    )
    headers = everything.identity_headers
    assert headers.user == b"x-user"
    assert headers.role == b"x-gatepass-role"
    assert headers.reserved == {b"x-tenant", b"x-more"}
    assert headers.every() == {
        *(b"x-user", b"x-gatepass-team-id", b"x-gatepass-role", b"x-gatepass-organization"),
        *(b"x-gatepass-end-user", b"x-gatepass-request", b"x-tenant", b"x-more"),
    }
    assert everything.token_headers == (b"authorization", b"x-api-key")
    assert everything.team_header == b"x_team"


def test_the_header_for_a_team_can_be_given_up() -> None:
    assert compiled().team_header == b"x-gatepass-team"
    assert compiled(teams={"header": None}).team_header is None


def test_prices_are_per_million_tokens() -> None:
    price = {"model": "gpt-4o*", "input": "$2.50", "output": 10, "max_output_tokens": 16_384}
    found = compiled(budgets={"prices": [price]}).prices.table.price_of("gpt-4o-mini", 0.0)
    assert found is not None
    assert found.input_nano_per_million_tokens == 2_500_000_000
    assert found.output_nano_per_million_tokens == 10_000_000_000
    assert found.max_output_tokens == 16_384


def test_sec_62_the_door_is_on_loopback_unless_said() -> None:
    assert compiled().http == HttpDoor(
        listen=Address("127.0.0.1", 8700),
        trusted_proxies=(ip_network("127.0.0.1"), ip_network("::1")),
        max_body_bytes=1_048_576,
        deadline_seconds=2,
    )


def test_the_door_as_said() -> None:
    door = {"listen": "unix:/run/g.sock", "trusted_proxies": "10.0.0.0/8"}
    http = compiled(doors={"http": {**door, "max_body": "64KiB", "deadline": "5s"}}).http
    assert http == HttpDoor(
        Address(path=Path("/run/g.sock")), (ip_network("10.0.0.0/8"),), 65_536, 5
    )


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///gatepass.db", "/etc/gate/gatepass.db"),
        ("sqlite:///../a b/g.db", "/etc/gate/../a b/g.db"),
        ("sqlite:////var/g.db", "/var/g.db"),
    ],
)
def test_the_database_lies_beside_the_file(url: str, path: str) -> None:
    settings = settings_with(stores={"database": url})
    settings.remember(Origin(folder=Path("/etc/gate")))
    assert database_path(compile_settings(settings).database) == Path(path)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory",
        "x.db",
        "postgres://u:p@h/d",
        "postgresql+asyncpg://u:p@h/d",
        "sqlite+aiosqlite:///x.db",
        "sqlite:///x.db?cache=shared",
    ],
)
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"stores\.database: only sqlite:///PATH"):
        settings_with(stores={"database": url})


def test_other_times() -> None:
    assert compiled().engine_rules.reservation_timeout_seconds == 600
    hour = compiled(budgets={"reservation_timeout": "1h"})
    assert hour.engine_rules.reservation_timeout_seconds == 3600


def test_settings_made_around_the_checks_are_refused_too() -> None:
    values = {**LEAST, "profiles": {"default": {"public_routes": ["no_such_group"]}}}
    with pytest.raises(ConfigurationError, match="known group"):
        compile_settings(Settings.model_validate(values))


def test_the_example_compiles() -> None:
    everything = compile_settings(load_settings(EXAMPLE, environ={}))
    assert everything.directory.user_upsert
    assert everything.directory.team_upsert
    assert everything.directory.team_defaults.budget is not None
    profile = everything.policy.profiles["default"]
    assert profile.permissions[Role.TEAM].routes.allows("POST", "/v1/chat/completions")
    assert not profile.permissions[Role.TEAM].routes.allows("POST", "/key/generate")


def test_the_door_for_kong_is_there_only_when_it_is_named() -> None:
    assert compiled().kong is None
    door = compiled(
        doors={
            "kong": {
                "socket": "/run/kong.sock",
                "mode": "0600",
                "group": "kong",
                "deadline": "1s",
                "body_deadline": "10s",
                "consumer": "team",
                "cost_header": "X-Cost",
            }
        }
    ).kong
    assert door == KongDoor(
        Path("/run/kong.sock"),
        mode=0o600,
        group="kong",
        deadline_seconds=1,
        body_seconds=10,
        consumer=Consumer.TEAM,
        cost_header=b"x-cost",
    )
