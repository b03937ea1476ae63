"""The management service for tests: a real Gate on a real database, asked over ASGI by httpx."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from gatepass.jwks.clock import SYSTEM_CLOCK, Clock
from gatepass.plugin import Gate, load_settings
from gatepass.plugin.admin.app import management_app
from gatepass.plugin.directory.changes.transaction import CLI, changing
from gatepass.plugin.directory.changes.users import UserFields, create_user
from gatepass.plugin.directory.database import Database
from gatepass.plugin.directory.journal import LinkJournal
from gatepass.plugin.opening import Stores
from gatepass.plugin.settings import Settings, compile_settings
from gatepass.rbac.roles import Role
from support.directories import Where, url_of
from support.gates import KEY, settings_file
from support.tokens import ISSUER

ROLES = (
    Role.PROXY_ADMIN,
    Role.PROXY_ADMIN_VIEWER,
    Role.ORG_ADMIN,
    Role.INTERNAL_USER,
    Role.INTERNAL_USER_VIEWER,
    Role.TEAM,
)
PERMISSIONS = {
    role: {"routes": ["directory_routes", "/openapi.json"], "models": "all"} for role in ROLES
}
SECTIONS: Mapping[str, object] = {
    "profiles": {"default": {"permissions": PERMISSIONS}},
    "users": {"upsert": False},
    "teams": {"upsert": False},
    "budgets": {"engine": "none"},
    "doors": {"admin": {}},
}


class Management:
    """A client of the service, in the name of whoever is named."""

    def __init__(self, gate: Gate, database: Database, client: httpx.AsyncClient) -> None:
        self.gate = gate
        self.database = database
        self._client = client

    async def add(self, user_id: str, role: Role | None = None, **fields: object) -> None:
        """Add a user whose tokens `as_` sends."""
        said: UserFields = {"role": role, "models": "all"}
        said.update(fields)  # type: ignore[typeddict-item]
        now = int(time.time())
        async with changing(self.database, CLI, now) as transaction:
            await create_user(transaction, user_id, said)
        await LinkJournal(self.database).relink(user_id, ISSUER, f"sub-{user_id}", now)

    async def ask(  # noqa: PLR0913, PLR0917 - the parts of a request
        self,
        who: str | None,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> httpx.Response:
        """Send a request with a token of a user; None sends no token."""
        sent = dict(headers or {})
        content = raw if raw is not None else None if body is None else json.dumps(body).encode()
        if content is not None:
            sent.setdefault("content-type", "application/json")
        return await self.raw(who, method, path, content, sent)

    async def raw(
        self,
        who: str | None,
        method: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str],
    ) -> httpx.Response:
        """Send a request with these headers and no others but the token's."""
        sent = dict(headers)
        if who is not None:
            sent["authorization"] = f"Bearer {bearer(who)}"
        return await self._client.request(method, path, content=content, headers=sent)

    async def post(self, who: str | None, path: str, **body: object) -> httpx.Response:
        return await self.ask(who, "POST", path, body)

    async def get(self, who: str | None, path: str, **query: object) -> httpx.Response:
        text = str(httpx.QueryParams({k: str(v) for k, v in query.items()}))
        return await self.ask(who, "GET", f"{path}?{text}" if text else path)

    async def made(self, path: str, **body: object) -> dict[str, object]:
        """Make something as root, which must be possible."""
        answer = await self.post("root", path, **body)
        assert answer.status_code == 200, answer.text
        document: dict[str, object] = answer.json()
        return document


def bearer(who: str, **claims: object) -> str:
    return KEY.token({"user": who, "sub": f"sub-{who}"} | claims).decode()


def refusal(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Return the status, the code, and what it is about."""
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return answer.status_code, error["code"], error["param"]


def settings_for(folder: Path, **sections: object) -> Settings:
    """Return settings with the service's door, in which every role may call its routes."""
    folder.mkdir(exist_ok=True)
    return load_settings(settings_file(folder, **{**SECTIONS, **sections}))


@asynccontextmanager
async def open_management(
    where: Where, folder: Path, clock: Clock = SYSTEM_CLOCK, **sections: object
) -> AsyncIterator[Management]:
    """Open the service on a database of the newest schema; root is its proxy_admin."""
    settings = settings_for(folder, **sections)
    door = compile_settings(settings).admin
    assert door is not None
    database = Database(url_of(where))
    async with Gate.open(settings, clock=clock, stores=Stores(database)) as gate:
        app = management_app(gate, database, door, clock)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gatepass") as client:
            service = Management(gate, database, client)
            await service.add("root", Role.PROXY_ADMIN)
            yield service
        assert gate.faults == 0
        assert app.faults == 0
