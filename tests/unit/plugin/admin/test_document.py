"""The OpenAPI document, and what the service makes of failures behind it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from gatepass.plugin.admin import (
    budgets,
    customers,
    organization_bodies,
    team_bodies,
    user_bodies,
)
from gatepass.plugin.admin.refusals import install
from gatepass.plugin.errors import StoreUnavailable
from gatepass.rbac.groups_admin import DIRECTORY_ROUTES
from support.gates import OUR_ISSUER
from support.management import Management, open_management, refusal
from support.tokens import ISSUER

BODIES = {
    name: body
    for module in (budgets, customers, organization_bodies, team_bodies, user_bodies)
    for name, body in vars(module).items()
    if isinstance(body, type) and issubclass(body, BaseModel)
}


@pytest.fixture
async def document(in_file: Management) -> dict[str, Any]:
    answer = await in_file.get("root", "/openapi.json")
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_the_document_has_the_routes_of_the_group_and_no_others(document: dict[str, Any]) -> None:
    assert set(document["paths"]) == set(DIRECTORY_ROUTES)


def test_every_operation_says_what_it_does_takes_and_answers(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(names)) == len(names) == 50
    for name, operation in operations(document):
        assert operation["description"], name
        content = operation["responses"]["200"]["content"]["application/json"]
        assert content["schema"]["$ref"], name
        assert {"400", "401", "403", "404", "503"} <= set(operation["responses"]), name
        headers = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "header"}
        changes = not name.startswith("get ") and name != "post /budget/info"
        assert headers == ({"Idempotency-Key", "If-Match"} if changes else set()), name


def test_every_body_has_an_example_that_it_takes(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    asked = {
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for _, operation in operations(document)
        if "requestBody" in operation
    }
    assert len(asked) == 23
    for name in asked:
        assert schemas[name]["additionalProperties"] is False, name
        (example,) = schemas[name]["examples"]
        BODIES[name].model_validate(example)


async def test_a_failure_is_answered_and_tells_nothing() -> None:
    app = FastAPI()
    install(app)

    @app.get("/bug")
    async def bug() -> None:
        raise RuntimeError("canary")

    @app.get("/store")
    async def store() -> None:
        raise StoreUnavailable

    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gatepass") as client:
        answer = await client.get("/bug")
        assert refusal(answer) == (503, "internal_error", None)
        assert "canary" not in answer.text
        assert refusal(await client.get("/store")) == (503, "store_error", None)
        assert refusal(await client.get("/nowhere")) == (404, "no_such_route", None)


async def test_with_several_issuers_nobody_guesses_whose_an_id_is(
    tmp_path: Path, managed_file: Path
) -> None:
    other = {**OUR_ISSUER, "issuer": "https://other.example"}
    file = Path(shutil.copyfile(managed_file, tmp_path / "managed.db"))
    async with open_management(file, tmp_path / "settings", issuers=[OUR_ISSUER, other]) as service:
        made = await service.made("/user/new", user_id="ann")
        assert made["user_info"]["home_issuer"] is None  # type: ignore[index]
        said = await service.made("/user/new", user_id="bob", home_issuer=ISSUER)
        assert said["user_info"]["home_issuer"] == ISSUER  # type: ignore[index]
