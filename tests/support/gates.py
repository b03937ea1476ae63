"""Real Gates for tests: a settings file, a database of its own, keys of our own making."""

import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from gatepass.jwks.clock import SYSTEM_CLOCK, Clock
from gatepass.plugin import Gate, Request, load_settings
from gatepass.plugin.decision import Decision
from gatepass.plugin.request import BodyState
from support.databases import upgrade_file
from support.tokens import AUDIENCE, ISSUER, signing_key

Header = tuple[bytes, bytes]

KEY = signing_key("EdDSA")
CHAT = b"/v1/chat/completions"
PRICES = [{"model": "gpt-4o*", "input": "$2.50", "output": "$10", "max_output_tokens": 1000}]

OUR_ISSUER: Mapping[str, object] = {
    "issuer": ISSUER,
    "audience": AUDIENCE,
    "algorithms": ["EdDSA"],
    "jwks": {"keys": [KEY.jwk()]},
    "claims": {
        "user": "user",
        "team": "team",
        "teams": "teams",
        "organization": "org",
        "end_user": "customer",
        "roles": "groups",
    },
}
WITHOUT_KEYS: dict[str, object] = {k: v for k, v in OUR_ISSUER.items() if k != "jwks"}
OPEN_RULES: Mapping[str, object] = {
    "permissions": {
        "internal_user": {"routes": ["openai_routes", "info_routes"], "models": "all"},
        "team": {"routes": ["openai_routes"], "models": "all"},
    }
}


def document(**sections: object) -> dict[str, object]:
    """Return settings under which anybody with a token may chat; sections replace whole ones."""
    return {
        "issuers": [OUR_ISSUER],
        "profiles": {"default": OPEN_RULES},
        "users": {"upsert": True},
        "teams": {"upsert": True},
        "budgets": {"prices": PRICES},
    } | sections


def rules(role: str = "internal_user", **changes: object) -> dict[str, object]:
    """Return profiles in which one role may do something; `routes` and `models` are its own."""
    permission = {
        "routes": changes.pop("routes", ["openai_routes"]),
        "models": changes.pop("models", "all"),
    }
    return {"default": {"permissions": {role: permission}} | changes}


def settings_file(folder: Path, **sections: object) -> Path:
    path = folder / "gatepass.yaml"
    path.write_text(json.dumps(document(**sections)))  # JSON is YAML, and has no aliases
    return path


@asynccontextmanager
async def open_gate(
    folder: Path, clock: Clock = SYSTEM_CLOCK, /, **sections: object
) -> AsyncIterator[Gate]:
    """Open a Gate on a fresh database in the folder, or on the one that is there already."""
    database = folder / "gatepass.db"
    if not database.exists():
        database.write_bytes(await _fresh_database())
    settings = load_settings(settings_file(folder, **sections))
    async with Gate.open(settings, clock=clock) as gate:
        yield gate
        assert gate.faults == 0


_FRESH: list[bytes] = []


async def _fresh_database() -> bytes:
    """Return the bytes of an empty database; migrating one takes longer than most tests."""
    if not _FRESH:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "fresh.db"
            await upgrade_file(path)
            _FRESH.append(path.read_bytes())
    return _FRESH[0]


def token(**claims: object) -> bytes:
    """Return a good token of the user ann; a claim of None is left out."""
    return KEY.token({"user": "ann"} | claims)


@cache
def ann() -> bytes:
    """Return the same token for the whole run, which may take longer than a token usually lives."""
    return token(exp=int(time.time()) + 86_400)


def chat_body(**members: object) -> bytes:
    """Return a small chat request; a member of None is left out."""
    base = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
    return json.dumps({k: v for k, v in (base | members).items() if v is not None}).encode()


def chat(  # noqa: PLR0913 - the parts of a request
    bearer: bytes | None = None,
    headers: Sequence[Header] = (),
    *,
    method: str = "POST",
    target: bytes = CHAT,
    body: bytes | BodyState | None = None,
    profile: str = "default",
    headers_complete: bool = True,
    can_remove_headers: bool = True,
    gateway_request_id: str | None = None,
) -> Request:
    """Return a request of somebody with a token; b"" sends none, None is ann's."""
    bearer = ann() if bearer is None else bearer
    credential = [(b"authorization", b"Bearer " + bearer)] if bearer else []
    return Request(
        method=method,
        target=target,
        headers=[(b"content-type", b"application/json"), *credential, *headers],
        body=chat_body() if body is None else body,
        profile=profile,
        headers_complete=headers_complete,
        can_remove_headers=can_remove_headers,
        gateway_request_id=gateway_request_id,
    )


async def decide(gate: Gate, request: Request) -> Decision:
    """Decide as a door does."""
    return gate.decide_warm(request) or await gate.decide(request)


async def code_of(gate: Gate, request: Request) -> str:
    """Return the code of the decision."""
    return (await decide(gate, request)).reason.code
