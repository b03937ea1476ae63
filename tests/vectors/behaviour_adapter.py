"""Cases of behaviour.json, in the words of Gatepass's public API; no rule of its own stands here.

    python tests/vectors/run_behaviour.py --adapter tests/vectors/behaviour_adapter.py

The settings of a case are written as a configuration of LiteLLM and go through the importer; the
decision is the Gate's, on a database that holds the rows of the case. An empty list of
models is no restriction there, so the row says `all`. What was spent before is charged to the
engine of budgets that the Gate holds.
"""

import asyncio
import json
import logging
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import yaml
from sqlalchemy import Table, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.jwks import Fetched
from gatepass.jwks.errors import ConfigurationError, KeySourceUnavailable
from gatepass.plugin import Gate, Request, load_settings
from gatepass.plugin.budgets.amounts import NOTHING, Amounts
from gatepass.plugin.budgets.engine import Call, Cost
from gatepass.plugin.budgets.limits import AppliedLimit, Scope, applied, member_subject
from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.decision import Allow, Decision
from gatepass.plugin.directory import tables
from gatepass.plugin.directory.budget_rows import make_budget
from gatepass.plugin.directory.caller_query import Parameters
from gatepass.plugin.directory.caller_rows import CallerRow
from gatepass.plugin.directory.database import Database
from gatepass.plugin.importers.litellm import import_litellm
from gatepass.plugin.importers.litellm_people import row_models
from gatepass.plugin.opening import Stores
from gatepass.plugin.settings.compile_budgets import compile_limits
from gatepass.plugin.settings.problems import BadValue
from gatepass.plugin.settings.values import to_money
from gatepass.rbac.budgets import Budget, Limit, Unit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support.case_databases import case_database
from support.fetching import ScriptedFetcher

HOME = "https://idp.example"

Values = Mapping[str, object]
REFUSED_SETTINGS: dict[str, object] = {"allow": False, "status": "config"}

_MODELS = [
    {"model_name": name, "model_info": {**price, "max_output_tokens": 16384}}
    for name, price in {
        "gpt-4o": {"input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05},
        "gpt-4o-mini": {"input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07},
    }.items()
]
"""Prices that the peer knows by itself."""


def says_no(_claims: dict[str, object]) -> bool:
    """Be the custom check of the cases that have one which refuses."""
    return False


def run(case: Values, material: Values) -> dict[str, object]:
    """Return what the Gate decides about the case."""
    # a token of another issuer is nobody's here, and logs so
    logging.getLogger("gatepass").setLevel(logging.CRITICAL)
    with (
        tempfile.TemporaryDirectory(prefix="gatepass-behaviour-") as folder,
        case_database(Path(folder)) as url,
    ):
        return asyncio.run(_run(case, material, Path(folder), url))


async def _run(case: Values, material: Values, folder: Path, url: str) -> dict[str, object]:
    environ = {str(name): str(value) for name, value in _mapping(material["env"]).items()}
    text = import_litellm(yaml.safe_dump(_configuration(case)), environ).text
    if text is None:
        return dict(REFUSED_SETTINGS)
    path = folder / "gatepass.yaml"
    path.write_text(text)
    database = CountedDatabase(url)
    try:
        settings = load_settings(path)
        claims = _mapping(_mapping(case.get("token")).get("claims"))
        issuer = str(claims.get("iss", HOME))  # the people stored are its own
        spent = await _store(database, _mapping(case.get("db")), issuer)
    except (BadValue, ConfigurationError):
        return dict(REFUSED_SETTINGS)
    fetcher = Published(_mapping(material["jwks"]))
    async with Gate.open(settings, fetcher=fetcher, stores=Stores(database)) as gate:
        proxy = compile_limits(settings.budgets).proxy
        spent += _charged(Scope.PROXY, "", proxy, {"spend": _proxy_spend(case)})
        for number, (limit, nano_usd) in enumerate(spent):
            name = f"before-{number}"
            await gate._budgets.reserve(Call(name, [limit], NOTHING))
            await gate._budgets.settle(name, Cost(Amounts(nano_usd)))
        steps = case.get("steps", 1)
        assert isinstance(steps, int)
        for _ in range(steps):
            before = database.uses
            decision = await gate.decide(_request(material))
        assert gate.faults == 0
        return await _outcome(decision, database) | {"db_reads_second": database.uses - before}


def _configuration(case: Values) -> dict[str, object]:
    token, settings = _mapping(case.get("token")), _mapping(case.get("settings"))
    jwt = {**_mapping(case.get("cfg")), **_mapping(token.get("cfg_patch"))}
    if token.get("custom_validate") is False:
        jwt["custom_validate"] = f"{says_no.__module__}.{says_no.__name__}"
    general = {"enable_jwt_auth": True, "litellm_jwtauth": jwt, **_mapping(case.get("gs"))}
    limits = {"max_budget": settings.get("max_budget")}
    return {"general_settings": general, "litellm_settings": limits, "model_list": _MODELS}


def _request(material: Values) -> Request:
    headers, body = material["headers"], material["body"]
    assert isinstance(headers, list)
    assert isinstance(body, bytes)
    return Request(
        method=str(material["method"]),
        target=str(material["path"]).encode(),
        headers=[
            (b"authorization", b"Bearer " + str(material["token"]).encode()),
            *[(str(name).encode(), str(value).encode()) for name, value in headers],
        ],
        body=body,
    )


class Published(ScriptedFetcher):
    """The documents of the case, by address; nothing else is published."""

    def __init__(self, documents: Values) -> None:
        super().__init__(
            {url: json.dumps(document).encode() for url, document in documents.items()}
        )

    async def get(self, url: str, etag: bytes | None = None) -> Fetched:
        if url not in self.documents:
            raise KeySourceUnavailable("nothing is published there")
        return await super().get(url, etag)


class CountedDatabase(Database):
    """A database that counts how often it is used."""

    uses = 0

    async def find_caller(self, values: Parameters) -> Sequence[CallerRow]:
        self.uses += 1
        return await super().find_caller(values)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        self.uses += 1
        async with super().reading() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        self.uses += 1
        async with super().writing() as connection:
            yield connection


Spent = list[tuple[AppliedLimit, int]]


async def _store(database: Database, rows: Values, issuer: str) -> Spent:
    """Store the rows, and return what was spent of whose limit.

    Raises:
        BadValue: a limit in a row is no money.

    """
    await database.open()
    async with database.writing() as connection:
        spent: Spent = []
        for row in _rows(rows, "orgs"):
            values = {
                "organization_id": row["organization_id"],
                "alias": row.get("organization_alias"),
            }
            await _add(connection, tables.organizations, values, row)
        for row in _rows(rows, "teams"):
            metadata = _mapping(_mapping(row.get("metadata")).get("guardrails"))
            values = {
                "team_id": row["team_id"],
                "alias": row.get("team_alias"),
                "organization_id": row.get("organization_id"),
                "model_aliases": json.dumps(row.get("model_aliases") or {}),
                "may_modify_guardrails": metadata.get("modify_guardrails") is not False,
                "created_at": 0,
            }
            budget = await _add(connection, tables.teams, values, row)
            spent += _charged(Scope.TEAM, str(row["team_id"]), budget, row)
        for row in _rows(rows, "users"):
            budget = await _add(connection, tables.users, _user(row, issuer), row)
            spent += _charged(Scope.USER, str(row["user_id"]), budget, row)
        for row in _rows(rows, "end_users"):
            name = str(row["user_id"])
            budget = await _add(connection, tables.end_users, {"end_user_id": name}, row)
            spent += _charged(Scope.END_USER, name, budget, row)
        spent += await _add_memberships(connection, rows)
    return spent


def _user(row: Values, issuer: str) -> dict[str, object]:
    email = row.get("user_email")
    active = _mapping(row.get("metadata")).get("scim_active") is not False
    return {
        "user_id": row["user_id"],
        "home_issuer": issuer,
        "sso_user_id": row.get("sso_user_id"),
        "email": None if email is None else str(email).lower(),
        "email_state": None if email is None else "entered",
        "role": row.get("user_role"),
        "blocked": not active,
        "created_at": 0,
    }


async def _add_memberships(connection: AsyncConnection, rows: Values) -> Spent:
    """Store who is in which team; a row of its own says what holds for a member."""
    spent: Spent = []
    limited = {(row["user_id"], row["team_id"]): row for row in _rows(rows, "members")}
    teams = {row["team_id"] for row in _rows(rows, "teams")}
    pairs = [
        (user["user_id"], team)
        for user in _rows(rows, "users")
        for team in _texts(user.get("teams"))
        if team in teams
    ]
    for pair in dict.fromkeys([*pairs, *limited]):
        row = limited.get(pair, {})
        values = {"user_id": pair[0], "team_id": pair[1], "role": "user"}
        row = {**row, "models": row.get("allowed_models")}
        budget = await _add(connection, tables.memberships, values, row)
        subject = member_subject(str(pair[1]), str(pair[0]))
        spent += _charged(Scope.MEMBER, subject, budget, row)
    for row in _rows(rows, "org_members"):
        names = ("user_id", "organization_id")
        values = {name: row[name] for name in names} | {"role": row["user_role"]}
        await connection.execute(insert(tables.organization_memberships).values(values))
    return spent


async def _add(
    connection: AsyncConnection, table: Table, values: Values, row: Values
) -> Budget | None:
    """Store a row with its models and its limit, and return the latter."""
    limit, template = row.get("max_budget"), None
    if limit is not None:
        template = BudgetTemplate((Limit(Unit.MONEY, to_money(str(limit))),))
    budget_id = await make_budget(connection, template, 0)
    also: dict[str, object] = {"models": json.dumps(row_models(_texts(row.get("models"))))}
    if "blocked" in table.c:
        also["blocked"] = bool(row.get("blocked", False)) or bool(values.get("blocked"))
    statement = insert(table).values(**{**values, **also, "budget_id": budget_id})
    await connection.execute(statement)
    if template is None or budget_id is None:
        return None
    return template.begin(budget_id, 0)


def _charged(scope: Scope, subject: str, budget: Budget | None, row: Values) -> Spent:
    spent = to_money(str(row.get("spend", 0)))
    if budget is None or not spent:
        return []
    return [(limit, spent) for limit in applied(scope, subject, budget)]


def _proxy_spend(case: Values) -> object:
    return _mapping(case.get("settings")).get("global_spend", 0)


async def _outcome(decision: Decision, database: Database) -> dict[str, object]:
    if not decision.allowed:
        refused = {"allow": False, "status": decision.status, "error": decision.reason.code}
        limit = None if isinstance(decision, Allow) else decision.limit
        return refused if limit is None else refused | {"names": limit.scope.value}
    caller = decision.caller
    assert caller is not None
    rows = caller.principals
    return {
        "allow": True,
        "role": caller.role.value,
        "user": caller.user_id,
        "team": None if rows.team is None else rows.team.team_id,
        "org": None if rows.organization is None else rows.organization.organization_id,
        "end_user": caller.identity.end_user,
        "writes": await _writes(decision, database),
    }


async def _writes(decision: Decision, database: Database) -> list[str]:
    """Return what was stored, as the cases write it."""
    written, teams = [], []
    async with database.reading() as connection:
        for effect in decision.effects:
            name = effect.subject_id
            if effect.kind == "team_created":
                written.append(f"new_team {name}")
            elif effect.kind in {"member_added", "member_removed"}:
                teams.append(("+" if effect.kind == "member_added" else "-") + name)
            else:
                statement = select(tables.users).where(tables.users.c.user_id == name)
                row = (await connection.execute(statement)).mappings().one()
                subject = row["sso_user_id"] or row["subject"]
                written.append(
                    {
                        "user_created": f"user.create {name} {row['email'] or ''}".strip(),
                        "user_linked": f"user.link {name} {subject}",
                        "role_synced": f"user.role {row['role']}",
                    }[effect.kind]
                )
    return written + ([" ".join(["teams", *teams])] if teams else [])


def _rows(values: Values, kind: str) -> Sequence[Values]:
    found = values.get(kind, [])
    return [_mapping(row) for row in found] if isinstance(found, list) else []


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _mapping(value: object) -> dict[str, object]:
    return dict(value) if isinstance(value, dict) else {}
