"""How PostgreSQL finds a caller: by index conditions alone, whatever it believes about the tables.

The service has the plan made once per connection and keeps it, so the plan for an empty database
must be the one for a full one.
"""

import json
from collections.abc import Iterator

import asyncpg
import pytest
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from gatepass.plugin.directory.accounts import _COULD_BE_MEANT
from gatepass.plugin.directory.caller_query import CALLER
from gatepass.plugin.directory.postgresql_reader import SESSION
from support.crowd import fill
from support.directories import query
from support.postgresql import PostgresqlProcess

PEOPLE, TEAMS = 100_000, 10_000
RELATIONS = {
    "budgets",
    "end_users",
    "memberships",
    "organization_memberships",
    "organizations",
    "teams",
    "users",
}
TABLES = ", ".join(sorted(RELATIONS))
NODES = {"Index Scan", "Index Only Scan"}
"""The only ways to read a table that do not grow with it."""

Plan = dict[str, object]


async def plan_of_a_caller(url: str) -> Plan:
    """Return the plan for all callers that a connection of the service makes now."""
    dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
    compiled = dialect.statement_compiler(dialect, CALLER)
    nothing = ", ".join(["NULL"] * len(compiled.positiontup or ()))
    connection = await asyncpg.connect(url, server_settings=SESSION)
    try:
        await connection.execute(f"PREPARE caller AS {compiled}")
        explained = await connection.fetchval(
            f"EXPLAIN (FORMAT JSON, COSTS OFF) EXECUTE caller ({nothing})"
        )
    finally:
        await connection.close()
    plan: Plan = json.loads(explained)[0]["Plan"]
    return plan


def plan_of_a_stranger(url: str) -> Plan:
    """Return the plan of looking for the rows that could be a stranger's."""
    dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
    text = _COULD_BE_MEANT.params(issuer="i", subject="s", user_id="u", email="e").compile(
        dialect=dialect, compile_kwargs={"literal_binds": True}
    )
    ((explained,),) = query(url, f"EXPLAIN (FORMAT JSON, COSTS OFF) {text}")
    plan: Plan = json.loads(str(explained))[0]["Plan"]
    return plan


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for below in plan.get("Plans", []):  # type: ignore[attr-defined]
        yield from nodes(below)


@pytest.mark.timeout(300)
async def test_the_plan_of_an_empty_database_is_that_of_a_full_one(
    postgresql: PostgresqlProcess,
) -> None:
    url = postgresql.new_database()
    plans = [await plan_of_a_caller(url)]
    fill(url, people=20, teams=3)
    query(url, "ANALYZE")
    plans.append(await plan_of_a_caller(url))
    query(url, f"TRUNCATE {TABLES} CASCADE")
    fill(url, people=PEOPLE, teams=TEAMS)
    plans.append(await plan_of_a_caller(url))
    query(url, "ANALYZE")
    plans.append(await plan_of_a_caller(url))
    assert [plan == plans[0] for plan in plans] == [True] * len(plans)
    readers = [node for node in nodes(plans[0]) if "Relation Name" in node]
    assert {node["Relation Name"] for node in readers} == RELATIONS
    assert {str(node["Node Type"]) for node in readers} <= NODES
    assert all("Index Cond" in node and "Filter" not in node for node in readers)
    stranger = list(nodes(plan_of_a_stranger(url)))
    read_whole = {node["Relation Name"] for node in stranger if node["Node Type"] == "Seq Scan"}
    assert read_whole <= {"links", "organization_memberships"}, "which are empty here"


@pytest.mark.timeout(300)
async def test_a_plan_for_tables_that_were_analyzed_while_empty_is_a_matter_of_minutes(
    postgresql: PostgresqlProcess,
) -> None:
    url = postgresql.new_database()
    at_first = await plan_of_a_caller(url)
    query(url, "ANALYZE")
    misled = await plan_of_a_caller(url)
    fill(url, people=1_000, teams=100)
    assert await plan_of_a_caller(url) == at_first, "made anew, as every PLAN_SECONDS"
    assert misled != at_first, "or there would be no reason to make it anew"
