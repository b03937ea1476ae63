"""The real Gate behind the real decision service, judging by a settings file of the tests."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gatepass.plugin import Gate, load_settings
from gatepass.plugin.gateways.usage_reports import usage_reports
from gatepass.plugin.settings import compile_settings
from support.doors import Door, LoopThread, Recording, running_door
from support.tokens import AUDIENCE, ISSUER, key_set, signing_key

KEY = signing_key("EdDSA")
USAGE_TOKEN = "t0ken-of-the-one-who-may-report-usage"

SETTINGS: Mapping[str, Any] = {
    "issuers": [
        {
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "jwks_file": "keys.json",
            "algorithms": ["EdDSA"],
            "claims": {"user": "sub", "team": "team_id", "roles": "roles"},
        }
    ],
    "roles": {"mappings": [{"value": "llm-user", "role": "internal_user"}]},
    "profiles": {
        "default": {
            "permissions": {
                "internal_user": {"routes": ["openai_routes"], "models": ["gpt-4o*"]},
                "team": {"routes": ["openai_routes"], "models": "all"},
            }
        },
        "unseen": {
            "permissions": {"internal_user": {"routes": ["openai_routes"], "models": "all"}},
            "unsafe_unseen_model_routes": ["POST /v1/chat/completions"],
        },
    },
    "users": {"upsert": True, "defaults": {"budget": "$10 per 30d"}},
    "teams": {"upsert": True},
    "budgets": {
        "prices": [
            {"model": "gpt-4o*", "input": "$2.50", "output": "$10", "max_output_tokens": 1000}
        ]
    },
}


def bearer(subject: str = "alice", **claims: object) -> str:
    """Return the Authorization value of a good token."""
    token = KEY.token({"sub": subject, "roles": ["llm-user"], **claims})
    return f"Bearer {token.decode()}"


@dataclass(frozen=True)
class Service:
    """The Gate, what it was asked, and the door in front of it."""

    gate: Gate
    asked: Recording
    door: Door

    @property
    def faults(self) -> int:
        return self.gate.faults + self.door.app.faults


@contextmanager
def running_service(folder: Path, usage_token: str | None = None) -> Iterator[Service]:
    """Run the service on a free port, with keys, settings and database in the folder."""
    (folder / "keys.json").write_bytes(key_set(KEY))
    path = folder / "gatepass.yaml"
    http = {} if usage_token is None else {"usage_token": usage_token}
    path.write_text(yaml.safe_dump({**SETTINGS, "doors": {"http": http}}))
    settings = load_settings(path)
    loop = LoopThread()
    try:
        opening = Gate.open(settings)
        gate = loop.call(opening.__aenter__())
        try:
            asked = Recording(gate)
            http_door = compile_settings(settings).http
            reports = usage_reports(gate, http_door)
            with running_door(asked, http_door, loop, reports) as door:
                yield Service(gate, asked, door)
        finally:
            loop.call(opening.__aexit__(None, None, None))
    finally:
        loop.close()
