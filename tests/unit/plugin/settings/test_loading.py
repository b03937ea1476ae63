"""Wrong files and everything that is said about them; the texts are what operators see."""

from pathlib import Path

import pytest
import yaml

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.settings import Settings, load_settings, make_settings
from support.settings import ISSUER, LEAST, LEAST_TEXT, problems_of, sentences_of, settings_with

ALGORITHMS = "ES256, ES384, ES512, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512"
MONEY = 'not an amount of money; write it as "$50", "$0.02" or "50 USD"'
DURATION = "not a duration; write a whole number with s, m, h or d, such as 30s or 5m"

CANARY = "sk-CaNaRy/5f2d "
EXAMPLE = Path(__file__).parents[4] / "examples" / "gatepass.yaml"

EVERYTHING_WRONG = """\
issuers:
  - issuer: https://idp.example
    audiance: [llm-gateway]
    algorithms: [RS256, HS256]
    leeway: 90s
    leeway: 10s
    refresh: 1s
    min_refetch: 5s
    jwks_uri: http://keys.example/jwks
  - issuer: ${NOPE}
    audience: ""
    claims: {usr: sub, team: a..b}
roles: {admin_scope: a b, mappings: [{value: x, role: proxy_admn}, {valu: y, role: team}]}
route_groups: {my_api: [v1, /v1/*x]}
profiles:
  default:
    permissions:
      tem: {routes: [openai_route, my_ap], models: [all, ""]}
    require_model: maybe
users: {upsert: 1, defaults: {budget: $50 per fortnight}}
teams: {header: Authorization, defaults: {budget: -5}}
budgets:
  reservation_timeout: 10
  prices: [{model: a, input: NaN, output: 1e3, max_output_tokens: -1}]
stores: {database: "sqlite://"}
doors: {http: {listen: 127.0.0.1, trusted_proxies: [0.0.0.0/0, 10.0.0.1/8], max_body: 1MB}}
headers: {team: X_Gatepass_User, role: Host}
token_headers: []
audience: x
"""

WHAT_IS_WRONG = f"""\
3:5: issuers[0].audiance: unknown setting; did you mean "audience"?
4:25: issuers[0].algorithms[1]: cannot be accepted; possible: {ALGORITHMS}
5:5: issuers[0].leeway: must be from 0s to 1m
6:5: issuers[0].leeway: given twice; it already stands in line 5
7:5: issuers[0].refresh: must not be shorter than min_refetch
9:5: issuers[0].jwks_uri: keys cannot be fetched there: not https; plain http passes only to \
127.0.0.1, with allow_http_loopback: true
10:5: issuers[1].issuer: the environment variable NOPE is not set
11:5: issuers[1].audience: must not be empty
12:14: issuers[1].claims.usr: unknown setting; did you mean "user"?
12:24: issuers[1].claims.team: a claim name may hold no empty part between dots and no \\ but in \\.
13:9: roles.admin_scope: not one scope (RFC 6749 section 3.3)
13:49: roles.mappings[0].role: not a role; did you mean "proxy_admin"?
13:69: roles.mappings[1].valu: unknown setting; did you mean "value"?
14:25: route_groups.my_api[0]: a route starts with /; a group cannot hold the names of other groups
14:29: route_groups.my_api[1]: a * may only be the whole last segment of a path
18:7: profiles.default.permissions.tem: not a role; did you mean "team"?
18:22: profiles.default.permissions.tem.routes[0]: there is no route group of this name; \
did you mean "openai_routes"?
18:36: profiles.default.permissions.tem.routes[1]: there is no route group of this name; \
did you mean "my_api"?
18:53: profiles.default.permissions.tem.models[0]: the word is "models: all", without a list and \
in lower case
18:58: profiles.default.permissions.tem.models[1]: must not be empty
19:5: profiles.default.require_model: must be true or false
20:9: users.upsert: must be true or false
20:31: users.defaults.budget: not a period; write "per 30d" with s, m, h or d, or "per day", \
"week", "month", "quarter" or "year", which may be followed by "in" and a time zone
21:9: teams.header: the Authorization header is the token's
21:43: teams.defaults.budget: {MONEY}
23:3: budgets.reservation_timeout: {DURATION}
24:23: budgets.prices[0].input: {MONEY}
24:35: budgets.prices[0].output: {MONEY}
24:48: budgets.prices[0].max_output_tokens: must be a whole number, in digits alone
25:10: stores.database: only sqlite:///PATH is possible, without options and not in memory, or postgresql://USER:PASSWORD@HOST:PORT/NAME
26:16: doors.http.listen: not an address; write 127.0.0.1:8700, [::1]:8700 or unix:/path
26:53: doors.http.trusted_proxies[0]: would believe every client; name the networks of your proxies
26:64: doors.http.trusted_proxies[1]: not an address or a network; write 10.0.0.7, 10.0.0.0/8 or \
fd00::/8, with zeros behind the prefix
26:77: doors.http.max_body: not a size; write a whole number with KiB or MiB, such as 1MiB
27:11: headers.team: the header has another use already; letter case does not count, and _ \
reads as -
27:34: headers.role: the header means something else to proxies or to Gatepass
28:1: token_headers: name at least one
29:1: audience: unknown setting; it belongs under issuers[]
"""


def test_everything_is_found_at_once_with_its_place_in_order(tmp_path: Path) -> None:
    assert problems_of(tmp_path, EVERYTHING_WRONG) == WHAT_IS_WRONG.splitlines()


SMALL = [
    ("{}", ["1:1: issuers: required, but missing", "1:1: profiles: required, but missing"]),
    (
        "issuers: []\nprofiles: {}\n",
        ["1:1: issuers: name at least one", "2:1: profiles: name at least one"],
    ),
    (
        "issuers:\nprofiles: []\n",
        [
            "1:1: issuers: has no value; give it one, or leave the line out",
            "2:1: profiles: must be a mapping",
        ],
    ),
    ("issuers: [a]\nprofiles: {a: {}}\n", ["1:11: issuers[0]: must be a mapping"]),
    (
        LEAST_TEXT + "users: yes\nteams: []\ntoken_headers: {a: b}\n",
        [
            "6:1: users: must be a mapping",
            "7:1: teams: must be a mapping",
            "8:1: token_headers: must be a list",
        ],
    ),
    (
        LEAST_TEXT.replace("default: {}", "a/b: {}"),
        [
            (
                '5:3: profiles["a/b"]: a name here has 1 to 64 letters, digits, and . _ - '
                "after the first"
            )
        ],
    ),
    (
        LEAST_TEXT + "users: {upsert: }\n",
        ["6:9: users.upsert: has no value; give it one, or leave the line out"],
    ),
    (
        LEAST_TEXT + "profile: {}\npublic_route: []\nfoo: 1\nclaims: {}\nheader: x\n",
        [
            (
                '6:1: profile: unknown setting; did you mean "profiles", or does it belong under '
                "doors.admin?"
            ),
            '7:1: public_route: unknown setting; did you mean "public_routes" under profiles.NAME?',
            (
                "8:1: foo: unknown setting; possible here: issuers, roles, route_groups, "
                "access_groups, model_aliases, providers, scopes, profiles, users, teams, "
                "end_users, budgets, checks, stores, doors, headers, token_headers, dpop, "
                "token_cache"
            ),
            "9:1: claims: unknown setting; it belongs under issuers[]",
            '10:1: header: unknown setting; did you mean "headers", or does it belong under teams?',
        ],
    ),
    (
        LEAST_TEXT + "route_groups: {openai_routes: [/x], more: [openai_routes]}\n",
        [
            "6:16: route_groups.openai_routes: is a built-in route group; choose another name",
            (
                "6:44: route_groups.more[0]: a route starts with /; a group cannot hold the names "
                "of other groups"
            ),
        ],
    ),
    (
        LEAST_TEXT + "budgets: {prices: [{model: a, input: 1, output: 1, max_output_tokens: 1}, "
        "{model: a, input: 2, output: 2, max_output_tokens: 2}]}\n",
        ["6:75: budgets.prices[1]: the same model stands in an entry above"],
    ),
    (
        LEAST_TEXT + "roles: {mappings: [{value: a, role: team}, {value: a, role: proxy_admin}]}\n",
        ["6:44: roles.mappings[1]: never matches: the value is mapped above"],
    ),
    (
        LEAST_TEXT + "teams: {header: X-Gatepass-Role}\ntoken_headers: [x-key, X_KEY]\n",
        [
            (
                "6:9: teams.header: the header has another use already; letter case does not "
                "count, and _ reads as -"
            ),
            (
                "7:24: token_headers[1]: the header has another use already; letter case does not "
                "count, and _ reads as -"
            ),
        ],
    ),
    (
        LEAST_TEXT.replace("profiles", "  - {issuer: https://idp.example, audience: b}\nprofiles"),
        [
            (
                "4:6: issuers[1].issuer: the same issuer stands above; the keys of two entries are "
                "never pooled"
            )
        ],
    ),
]


@pytest.mark.parametrize(("text", "problems"), SMALL, ids=range(len(SMALL)))
def test_wrong_files(tmp_path: Path, text: str, problems: list[str]) -> None:
    assert problems_of(tmp_path, text) == problems


def with_secrets(value: object, reference: str) -> object:
    """Return the same settings with a secret in place of every value."""
    if isinstance(value, dict):
        return {name: with_secrets(member, reference) for name, member in value.items()}
    if isinstance(value, list):
        return [with_secrets(member, reference) for member in value]
    return reference


@pytest.mark.parametrize("reference", ["${CANARY}", "${file:canary}", "$5 per ${CANARY}", CANARY])
@pytest.mark.parametrize("text", [EVERYTHING_WRONG, EXAMPLE.read_text(encoding="utf-8")])
def test_sec_60_no_value_is_shown_wherever_it_stands(
    tmp_path: Path, text: str, reference: str
) -> None:
    (tmp_path / "canary").write_text(CANARY, encoding="utf-8")
    values = yaml.load(text, yaml.BaseLoader)  # noqa: S506 - BaseLoader makes text, lists and dicts
    document = yaml.safe_dump(with_secrets(values, reference))
    problems = problems_of(tmp_path, document, {"CANARY": CANARY})
    assert len(problems) > 10
    assert not [problem for problem in problems if "CaNaRy" in problem]


def test_no_foreign_exception_is_left_in_sight(tmp_path: Path) -> None:
    path = tmp_path / "gatepass.yaml"
    path.write_text(LEAST_TEXT + "users: {upsert: sk-CaNaRy}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load_settings(path)
    assert "CaNaRy" not in repr(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


def test_references_are_replaced_before_anything_is_judged(tmp_path: Path) -> None:
    (tmp_path / "audience").write_text("llm-gateway\n", encoding="utf-8")
    path = tmp_path / "gatepass.yaml"
    path.write_text(
        "issuers:\n"
        "  - issuer: https://${HOST}/realms/acme\n"
        "    audience: ['${file:audience}', '$${HOST}']\n"
        "    leeway: ${LEEWAY}s\n"
        "    unsafe_any_audience: ${ANY}\n"
        "profiles: {default: {}}\n"
        "teams: {defaults: {budget: '${BUDGET} per month'}}\n",
        encoding="utf-8",
    )
    environ = {"HOST": "idp.example", "LEEWAY": "7", "ANY": "no", "BUDGET": "$5"}
    settings = load_settings(path, environ=environ)
    issuer = settings.issuers[0]
    assert issuer.issuer == "https://idp.example/realms/acme"
    assert issuer.audience == ("llm-gateway", "${HOST}")
    assert issuer.leeway == 7
    assert settings.teams.defaults.budget is not None
    assert settings.teams.defaults.budget.limits[0].hard == 5_000_000_000


def test_a_path_may_be_text(tmp_path: Path) -> None:
    path = tmp_path / "gatepass.yaml"
    path.write_text(LEAST_TEXT, encoding="utf-8")
    assert load_settings(str(path)) == load_settings(path)


def test_the_file_is_named_as_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gatepass.yaml").write_text(LEAST_TEXT + "x: 1", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=r"^gatepass\.yaml:6:1: x: unknown setting"):
        load_settings("gatepass.yaml")


def test_settings_that_a_program_makes_are_judged_alike(tmp_path: Path) -> None:
    assert make_settings(LEAST, tmp_path).origin.folder == tmp_path
    assert sentences_of(users={"upsert": None, "x": 1}, issuers=[{**ISSUER, "leeway": 5}]) == [
        f"issuers[0].leeway: {DURATION}",
        "users.upsert: has no value; give it one, or leave the line out",
        (
            "users.x: unknown setting; possible here: email_domains, link, upsert, sync_role, "
            "sync_teams, defaults"
        ),
    ]


def test_settings_cannot_be_changed() -> None:
    settings = settings_with()
    with pytest.raises(ValueError, match="frozen"):
        settings.users = settings.users  # type: ignore[misc]
    assert isinstance(settings, Settings)
