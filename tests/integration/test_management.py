"""The management service of a real `gatepass serve`: beside the decisions, and asked by a client
that reads nothing but its OpenAPI document."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.gatepass_process import Served, serving
from support.gates import PRICES, token
from support.management import SECTIONS, bearer
from support.ports import free_port
from support.raw_http import Reply, ask

if TYPE_CHECKING:
    from support.postgresql import PostgresqlProcess

ADMINS = {"roles": {"mappings": [{"value": "admins", "role": "proxy_admin"}]}}
SECONDS = 20


class Managed:
    """A running service and its management door."""

    def __init__(self, served: Served, port: int) -> None:
        self.served = served
        self.port = port
        expires = int(time.time()) + 3600
        self.token = bearer("root", groups=["admins"], exp=expires)

    def ask(self, path: str, **body: object) -> Reply:
        headers = [
            (b"authorization", b"Bearer " + self.token.encode()),
            (b"content-type", b"application/json"),
        ]
        return ask(self.port, "POST", path, headers, json.dumps(body).encode())

    def made(self, path: str, **body: object) -> None:
        reply = self.ask(path, **body)
        assert reply.status == 200, reply.body

    def code(self, user: str, **claims: object) -> str:
        """Return what the decision service says to somebody who chats."""
        body = json.loads(self.served.ask(token(user=user, sub=user, **claims)).body or b"{}")
        return str(body.get("error", {}).get("code", "allowed"))


@contextmanager
def managing(folder: Path, **sections: object) -> Iterator[Managed]:
    port = free_port()
    roles = {"proxy_admin", "internal_user"}
    routes = {"routes": ["directory_routes", "/openapi.json", "openai_routes"], "models": "all"}
    given = {
        **SECTIONS,
        **ADMINS,
        "profiles": {"default": {"permissions": dict.fromkeys(roles, routes)}},
        "users": {"upsert": True},
        "doors": {"admin": {"listen": f"127.0.0.1:{port}"}},
        **sections,
    }
    with serving(folder, **given) as served:
        yield Managed(served, port)


@pytest.fixture(params=["sqlite", "postgresql"])
def managed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Managed]:
    stores = {}
    if request.param == "postgresql":
        server: PostgresqlProcess = request.getfixturevalue("postgresql")
        stores = {"database": server.clean_database()}
    with managing(tmp_path, stores=stores) as managed:
        yield managed


def test_sec_51_what_is_changed_counts_for_the_next_decision(managed: Managed) -> None:
    assert managed.code("ann") == "allowed"
    managed.made("/user/block", user_ids=["ann"])
    assert managed.code("ann") == "user_blocked"
    managed.made("/user/unblock", user_ids=["ann"])
    assert managed.code("ann") == "allowed"
    managed.made("/user/update", user_id="ann", models=["claude-*"])
    assert managed.code("ann") == "model_denied"
    managed.made("/user/update", user_id="ann", models="all")
    assert managed.code("ann", team="red") == "team_unknown"
    managed.made("/team/new", team_id="red")
    assert managed.code("ann", team="red") == "allowed"
    managed.made("/team/block", team_id="red")
    assert managed.code("ann", team="red") == "team_blocked"
    managed.made("/team/delete", team_ids=["red"])
    assert managed.code("ann", team="red") == "team_unknown"
    assert managed.code("ann") == "allowed"
    managed.made("/customer/new", user_id="shop", blocked=True)
    assert managed.code("ann", customer="shop") == "end_user_blocked"
    managed.made("/user/delete", user_ids=["ann"])
    assert managed.code("ann") == "allowed", "upsert makes the row anew"


def test_sec_51_a_named_budget_that_is_raised_counts_for_the_next_decision(tmp_path: Path) -> None:
    with managing(tmp_path, budgets={"prices": PRICES}) as managed:
        managed.made("/budget/new", budget_id="small", max_budget=0)
        managed.made("/user/new", user_id="ann", budget_id="small")
        managed.made("/user/delete", user_ids=["ann"])
        assert managed.code("ann") == "allowed"
        managed.made("/user/update", user_id="ann", budget_id="small")
        assert managed.code("ann") == "budget_exceeded"
        managed.made("/budget/update", budget_id="small", max_budget=100)
        assert managed.code("ann") == "allowed"


def test_a_client_that_knows_nothing_but_the_document_finds_no_fault(tmp_path: Path) -> None:
    with managing(tmp_path) as managed:
        managed.made("/organization/new", organization_id="acme")
        managed.made("/user/new", user_id="ann", organizations=["acme"])
        managed.made("/user/new", user_id="bob")
        managed.made("/team/new", team_id="red")
        managed.made("/team/member_add", team_id="red", member={"user_id": "bob"})
        managed.made("/customer/new", user_id="shop-7")
        command = [
            *(str(Path(sys.executable).with_name("schemathesis")), "run"),
            f"http://127.0.0.1:{managed.port}/openapi.json",
            *("--header", f"Authorization: Bearer {managed.token}"),
            *("--checks", "all"),
            # what a role may do is not in the document; TRACE is refused before any route is known
            *("--exclude-checks", "positive_data_acceptance,unsupported_method"),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", "3"),
            *("--max-time", str(SECONDS), "--seed", "1", "--no-color"),
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=110, cwd=tmp_path
        )
        assert done.returncode == 0, done.stdout[-8000:]
        assert "50 selected / 50 total" in done.stdout
        assert "internal fault" not in managed.served.errors


def test_a_door_of_a_profile_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(AssertionError, match=r"doors\.admin\.profile: there is no such profile"),
        managing(tmp_path, doors={"admin": {"profile": "defalt"}}),
    ):
        pass
