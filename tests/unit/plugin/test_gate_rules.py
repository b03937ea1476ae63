"""The rules of rbac through the whole Gate: aliases and prices, scopes, users, organizations."""

from dataclasses import replace as replace_fields
from pathlib import Path
from typing import Any

import pytest

from gatepass.jwks.clock import SYSTEM_CLOCK
from gatepass.plugin import Request
from gatepass.plugin.directory.resolved import Resolved
from gatepass.plugin.request import BodyState
from gatepass.rbac.identity import Identity
from gatepass.rbac.models import NO_MODELS, compile_models
from gatepass.rbac.principals import Member, Principals, Team, User
from gatepass.rbac.roles import Role
from gatepass.rbac.teams import TeamChoice
from support.fake_directory import FakeDirectory, gate_on
from support.gates import chat, chat_body, code_of, open_gate, rules, token

DENIED = "organization_denied"
CHEAP = {"model": "small-1", "input": "$1", "output": "$1", "max_output_tokens": "10"}


async def test_an_alias_is_judged_and_priced_as_what_it_stands_for(tmp_path: Path) -> None:
    async with open_gate(
        tmp_path,
        model_aliases={"fast": "small-1", "gpt-4o": "secret-1"},
        profiles=rules(models=["small-*", "gpt-*"]),
        users={"upsert": True, "defaults": {"budget": "$1"}},
        budgets={"prices": [CHEAP]},
    ) as gate:
        codes = [
            await code_of(gate, chat(body=chat_body(model=model)))
            for model in ("fast", "small-1", "small-2", "gpt-4o")
        ]
        assert codes == ["allowed", "allowed", "price_unknown", "model_denied"]
        listed = chat(body=chat_body(model="small-1", fallbacks=["fast", {"fast": ["gpt-4o"]}]))
        assert await code_of(gate, listed) == "model_denied"
        plain = chat(body=chat_body(model="small-1", fallbacks=["fast"]))
        assert await code_of(gate, plain) == "allowed"


async def test_an_alias_in_the_path_counts_as_what_it_stands_for(tmp_path: Path) -> None:
    aliases = {"fast": "small-1", "gpt-4o": "secret-1"}
    async with open_gate(tmp_path, model_aliases=aliases, profiles=rules(models=["small-1"])) as g:
        for name, code in (("fast", "allowed"), ("gpt-4o", "model_denied")):
            target = f"/openai/deployments/{name}/chat/completions".encode()
            assert await code_of(g, chat(target=target, body=chat_body(model=None))) == code


@pytest.mark.parametrize(
    ("fallbacks", "code"),
    [
        (["gpt-4o-mini"], "allowed"),
        ("gpt-4o-mini", "allowed"),
        ([{"gpt-4o": ["gpt-4o-mini"]}], "allowed"),
        ([], "allowed"),
        (["o1"], "model_denied"),
        (["gpt-4o-mini", "o1"], "model_denied"),
        ([{"gpt-4o": ["gpt-4o-mini", "o1"]}], "model_denied"),
        ([{"model": "o1"}], "parameter_denied"),
        (None, "allowed"),
    ],
)
@pytest.mark.parametrize("name", ["fallbacks", "models", "context_window_fallbacks"])
async def test_sec_58_every_model_that_stands_by_passes_every_rule(
    tmp_path: Path, name: str, fallbacks: object, code: str
) -> None:
    async with open_gate(tmp_path, profiles=rules(models=["gpt-4o*"])) as gate:
        assert await code_of(gate, chat(body=chat_body(**{name: fallbacks}))) == code


async def test_sec_59_the_dearest_model_that_stands_by_is_reserved(tmp_path: Path) -> None:
    dear = {"model": "dear", "input": "$1000", "output": "$1000", "max_output_tokens": "100000"}
    async with open_gate(
        tmp_path,
        users={"upsert": True, "defaults": {"budget": "$1"}},
        budgets={"prices": [CHEAP, dear]},
    ) as gate:
        cheap = chat_body(model="small-1", fallbacks=["dear"])
        assert await code_of(gate, chat(body=cheap)) == "budget_exceeded"
        unpriced = chat_body(model="small-1", fallbacks=["nobody-knows"])
        assert await code_of(gate, chat(body=unpriced)) == "price_unknown"
        assert await code_of(gate, chat(body=chat_body(model="small-1"))) == "allowed"


async def test_sec_39_what_no_scope_grants_is_denied(tmp_path: Path) -> None:
    mappings = [
        {"scope": "mini", "models": ["gpt-4o-mini"], "routes": ["/v1/chat/completions"]},
        {"scope": "full", "models": ["gpt-4o"], "routes": ["/v1/embeddings"]},
    ]
    scopes = {"enforce_models": True, "enforce_routes": True, "mappings": mappings}
    async with open_gate(tmp_path, scopes=scopes) as gate:
        for held, model, code in (
            ("mini", "gpt-4o-mini", "allowed"),
            ("mini", "gpt-4o", "scope_denied"),
            ("mini full", "gpt-4o", "scope_denied"),
            ("full", "gpt-4o", "scope_denied"),
            ("", "gpt-4o-mini", "scope_denied"),
        ):
            asked = chat(token(scope=held), body=chat_body(model=model))
            assert await code_of(gate, asked) == code, (held, model)
        hidden = chat(token(scope="mini"), body=BodyState.NOT_SHOWN)
        assert await code_of(gate, hidden) == "body_not_shown"


async def test_scopes_make_a_hidden_model_matter(tmp_path: Path) -> None:
    scopes = {"enforce_models": True, "mappings": [{"scope": "s", "models": "all"}]}
    hidden = chat(token(scope="s"), body=BodyState.NOT_SHOWN)
    loose = rules(require_model=False)
    async with open_gate(tmp_path, profiles=loose, scopes=scopes) as gate:
        assert await code_of(gate, hidden) == "body_not_shown"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (chat(body=chat_body(user="customer-1")), "allowed"),
        (chat(), "user_parameter_missing"),
        (chat(body=chat_body(user="")), "user_parameter_missing"),
        (chat(body=chat_body(User="customer-1")), "parameter_denied"),
        (chat(body=BodyState.NOT_SHOWN), "body_not_shown"),
        (chat(body=b""), "body_not_shown"),
        (chat(target=b"/v1/models", method="GET", body=b""), "allowed"),
        (chat(target=b"/v1/files", body=BodyState.NOT_SHOWN), "allowed"),
    ],
)
async def test_a_post_of_inference_says_for_whom_it_is(
    tmp_path: Path, asked: Request, code: str
) -> None:
    profile = rules(routes=["openai_routes"], require_user_parameter=True, require_model=False)
    async with open_gate(tmp_path, profiles=profile) as gate:
        assert await code_of(gate, asked) == code


async def test_a_user_alone_makes_no_model_necessary(tmp_path: Path) -> None:
    profile = rules(require_user_parameter=True, require_model=False)
    async with open_gate(tmp_path, profiles=profile) as gate:
        asked = chat(body=chat_body(model=None, user="customer-1"))
        assert await code_of(gate, asked) == "allowed"


async def test_sec_52_people_of_no_accepted_domain_are_refused(tmp_path: Path) -> None:
    people = {"upsert": True, "email_domains": ["corp.example"]}
    async with open_gate(tmp_path, users=people) as gate:
        for number, (email, code) in enumerate(
            (
                ("ann@corp.example", "allowed"),
                ("ann@CORP.example", "allowed"),
                ("ann@sub.corp.example", "email_domain_denied"),
                ("ann@evil.example", "email_domain_denied"),
                (None, "email_domain_denied"),
            )
        ):
            stranger = token(sub=f"s{number}", user=f"u{number}", email=email)
            assert await code_of(gate, chat(stranger)) == code, email
            if code != "allowed":
                no_route = chat(stranger, target=b"/key/new")
                assert await code_of(gate, no_route) == code, "asked before there is a row"
            known = token(sub="s0", user="u0", email=email)
            assert await code_of(gate, chat(known)) == code, email
            assert await code_of(gate, chat(known, target=b"/key/new")) == "route_denied"
        assert await code_of(gate, chat(token(user=None, team="t"))) != "email_domain_denied"


ADMIN_ROUTES = rules(routes=["/organization/*", "/team/new"])


@pytest.mark.parametrize(
    ("target", "body", "code"),
    [
        (b"/organization/new", b'{"organization_alias": "x"}', "organization_denied"),
        (b"/organization/member_add", b'{"organization_id": "o1"}', "organization_denied"),
        (b"/organization/member_add", b"{}", "organization_denied"),
        (b"/organization/member_add", BodyState.NOT_SHOWN, "body_not_shown"),
        (b"/organization/member_add", BodyState.TOO_LARGE, "body_too_large"),
        (b"/organization/member_add", b"x", "body_not_json"),
        (b"/organization/list", BodyState.NOT_SHOWN, "allowed"),
        (b"/team/new", b'{"organization_id": "o1"}', "organization_denied"),
        (b"/team/new", b'{"team_alias": "x"}', "allowed"),
    ],
)
async def test_sec_39_organizations_are_for_those_who_administer_them(
    tmp_path: Path, target: bytes, body: bytes | BodyState, code: str
) -> None:
    async with open_gate(tmp_path, profiles=ADMIN_ROUTES) as gate:
        assert await code_of(gate, chat(target=target, body=body)) == code


async def test_a_proxy_admin_may_administer_all_organizations_unseen(tmp_path: Path) -> None:
    async with open_gate(
        tmp_path,
        profiles=rules("proxy_admin", routes=["/organization/*"]),
        roles={"admin_scope": "boss"},
    ) as gate:
        asked = chat(token(scope="boss"), target=b"/organization/new", body=BodyState.NOT_SHOWN)
        assert await code_of(gate, asked) == "allowed"


async def test_a_body_is_asked_for_where_it_could_name_an_organization(tmp_path: Path) -> None:
    async with open_gate(tmp_path, profiles=ADMIN_ROUTES) as gate:
        asked = chat(target=b"/organization/member_add", body=BodyState.NOT_READ)
        wanted = await gate.decide(asked)
        assert wanted.reason.code == "body_not_shown"
        concluded = wanted.conclude(b'{"organization_id": "o1"}')  # type: ignore[union-attr]
        assert concluded is not None
        assert concluded.reason.code == "organization_denied"


class Stored(FakeDirectory):
    """Answers with these rows, whoever asks."""

    def __init__(self, rows: Principals) -> None:
        super().__init__()
        self.rows = rows

    async def resolve(self, identity: Identity, team: TeamChoice) -> Resolved:
        del identity, team
        return Resolved((self.rows,), ())


ANN = User("ann", compile_models(["gpt-4o-mini"]))
ADMIN_OF_O1 = replace_fields(ANN, organizations={"o1": Role.ORG_ADMIN})


def in_team(*listed: str, member: Member | None = None, **more: object) -> Principals:
    changes: dict[str, Any] = more
    return Principals(ANN, Team("t", compile_models(listed), **changes), member=member)


@pytest.mark.parametrize(
    ("rows", "model", "code"),
    [
        (Principals(ANN), "gpt-4o-mini", "allowed"),
        (Principals(ANN), "gpt-4o", "model_denied"),
        (in_team("gpt-4o"), "gpt-4o", "allowed"),
        (in_team("gpt-4o"), "gpt-4o-mini", "model_denied"),
        (in_team("all-proxy-models"), "gpt-4o", "allowed"),
        (in_team("openai/*"), "gpt-4o", "allowed"),
        (in_team("bedrock/*"), "bedrockzz/x", "model_denied"),
        (in_team("gpt-4.1*"), "gpt-4x1-mini", "model_denied"),
        (in_team(), "gpt-4o", "model_denied"),
        (in_team("beta"), "claude-opus", "allowed"),
        (in_team("gpt-4o", model_aliases={"ours": "o3"}), "ours", "allowed"),
        (in_team("gpt-4o", model_aliases={"ours": "secret"}), "ours", "model_denied"),
        (in_team("gpt-*", member=Member(compile_models(["gpt-4o"]))), "gpt-4o", "allowed"),
        (in_team("gpt-*", member=Member(compile_models(["gpt-4o"]))), "gpt-5", "model_denied"),
        (
            in_team("gpt-4o", member=Member(compile_models(["all-team-models"]))),
            "gpt-4o",
            "allowed",
        ),
        (
            in_team("gpt-4o", member=Member(compile_models(["all-team-models"]))),
            "o3",
            "model_denied",
        ),
        (in_team("*", member=Member(NO_MODELS)), "gpt-4o", "model_denied"),
    ],
)
async def test_sec_57_every_list_that_binds_is_asked(
    tmp_path: Path, rows: Principals, model: str, code: str
) -> None:
    async with gate_on(
        Stored(rows),
        tmp_path,
        SYSTEM_CLOCK,
        access_groups={"beta": ["claude-*"]},
        profiles=rules(models=["gpt-*", "o3", "claude-*", "bedrock*"]),
    ) as gate:
        asked = chat(token(team="t"), body=chat_body(model=model))
        assert await code_of(gate, asked) == code


@pytest.mark.parametrize(("may", "code"), [(False, "guardrails_denied"), (True, "allowed")])
async def test_a_teams_row_says_whether_it_may_change_guardrails(
    tmp_path: Path, *, may: bool, code: str
) -> None:
    rows = in_team("gpt-4o", may_modify_guardrails=may)
    async with gate_on(Stored(rows), tmp_path) as gate:
        asked = chat(token(team="t"), body=chat_body(metadata={"guardrails": ["x"]}))
        assert await code_of(gate, asked) == code


@pytest.mark.parametrize(
    ("target", "body", "code"),
    [
        (b"/organization/member_add", b'{"organization_id": "o1"}', "allowed"),
        (b"/organization/member_add?organization_id=o2", b'{"organization_id": "o1"}', DENIED),
        (b"/organization/delete", b'{"organization_ids": ["o1", "o2"]}', DENIED),
        (b"/organization/new", b'{"organization_id": "o1"}', DENIED),
        (b"/team/new", b'{"organization_id": "o1"}', "allowed"),
        (b"/team/new", b'{"organization_id": "o2"}', DENIED),
        (b"/team/new", b"{}", DENIED),
    ],
)
async def test_sec_39_an_organizations_admin_administers_that_one_alone(
    tmp_path: Path, target: bytes, body: bytes, code: str
) -> None:
    async with gate_on(
        Stored(Principals(ADMIN_OF_O1)), tmp_path, SYSTEM_CLOCK, profiles=ADMIN_ROUTES
    ) as gate:
        assert await code_of(gate, chat(target=target, body=body)) == code
