"""Cases of attacks.json, in the words of Gatepass's public API; no rule of its own stands here.

    python tests/vectors/run_attacks.py --adapter tests/vectors/attacks_adapter.py

`make` answers token and jwks_http cases by a Verifier that one settings file makes, `authorize`
request cases by a Gate and `apply_headers`, `resolve` identity cases by a Gate on a database that
holds the people of the case.
"""

import asyncio
import atexit
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import jwt
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from sqlalchemy import insert

from gatepass.jwks import Verifier
from gatepass.jwks.errors import ConfigurationError, GatepassError
from gatepass.plugin import Gate, Request, apply_headers, load_settings
from gatepass.plugin.directory.database import Database
from gatepass.plugin.directory.tables import users as user_rows
from gatepass.plugin.request import BodyState
from gatepass.plugin.settings import compile_settings
from gatepass.rbac.roles import Role

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support.case_databases import case_database

HOME = "https://idp.example"
"""The issuer whose ids the stored people have."""

Config = Mapping[str, object]
Result = TypeVar("Result")
EXPECTED_ERRORS = (GatepassError,)


class Denied(GatepassError):
    """The Gate's refusal, as the runner wants to see it."""


def _start_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop


_LOOP = _start_loop()
_FOLDER = tempfile.TemporaryDirectory(prefix="gatepass-attacks-")
_MADE: list[Verifier] = []


def _run(work: Coroutine[object, object, Result]) -> Result:
    return asyncio.run_coroutine_threadsafe(work, _LOOP).result()


@atexit.register
def _tidy_up() -> None:
    for verifier in _MADE:
        _run(verifier.close())
    _FOLDER.cleanup()


def _new_folder() -> Path:
    return Path(tempfile.mkdtemp(dir=_FOLDER.name))


def _issuer(config: Config) -> dict[str, object]:
    """Translate the token settings of a case; whole seconds become durations."""
    issuer: dict[str, object] = {
        "issuer": config["issuer"],
        "audience": config["audience"],
        "algorithms": config["algorithms"],
        "leeway": f"{config['leeway']}s",
        "claims": {"roles": "roles"},
    }
    if "required_typ" in config:
        issuer |= {"token_types": config["required_typ"], "typ_required": True}
    if "max_lifetime" in config:
        issuer["max_lifetime"] = f"{config['max_lifetime']}s"
    for ours, theirs in (
        ("fetch_timeout", "jwks_timeout"),
        ("min_refetch", "jwks_cooldown"),
        ("refresh", "jwks_ttl"),
        ("max_stale", "jwks_stale"),
    ):
        if theirs in config:
            issuer[ours] = f"{config[theirs]}s"
    if "jwks_uri" in config:
        issuer |= {"jwks_uri": config["jwks_uri"], "allow_http_loopback": True}
    return issuer


def _settings_file(folder: Path, config: Config, document: Mapping[str, object]) -> Path:
    if "jwks" in config:
        (folder / "keys.json").write_text(str(config["jwks"]))
    path = folder / "gatepass.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def make(config: Config) -> Callable[[str], Mapping[str, object]]:
    """Return verify(token) -> claims, for the keys and rules of the case."""
    issuer = _issuer(config)
    if "jwks" in config:
        issuer["jwks_file"] = "keys.json"
    settings = load_settings(
        _settings_file(_new_folder(), config, {"issuers": [issuer], "profiles": {"default": {}}})
    )
    verifier = Verifier(compile_settings(settings).issuers)
    _MADE.append(verifier)

    def verify(token: str) -> Mapping[str, object]:
        return _run(verifier.verify(token.encode("utf-8", "surrogatepass"))).claims

    return verify


def authorize(request: Mapping[str, object], config: Config) -> dict[str, object]:
    """Return the Gate's decision and the headers that the upstream would receive."""
    return _run(_authorize(request, config))


async def _authorize(request: Mapping[str, object], config: Config) -> dict[str, object]:
    routes, models = _mapping(config.get("routes")), _mapping(config.get("models"))
    document = {
        "issuers": [_issuer(config) | {"jwks_file": "keys.json"}],
        "roles": {"mappings": [{"value": role, "role": role} for role in routes]},
        "profiles": {
            "default": {
                "permissions": {
                    role: {"routes": paths, "models": models.get(role, "all")}
                    for role, paths in routes.items()
                }
            }
        },
        "users": {"upsert": True},
        "headers": {"reserved": config.get("identity_headers", [])},
    }
    path = _settings_file(_new_folder(), config, document)
    async with Gate.open(load_settings(path)) as gate:
        asked = _to_request(request)
        decision = await gate.decide(asked)
        assert gate.faults == 0
    if not decision.allowed:
        raise Denied(decision.reason.code, decision.reason.sentence)
    upstream: dict[str, list[str]] = {}
    for name, value in apply_headers(decision, asked.headers):
        upstream.setdefault(name.decode(), []).append(value.decode())
    return {"decision": "allow", "upstream_headers": upstream}


def _to_request(request: Mapping[str, object]) -> Request:
    headers = []
    for name, value in _mapping(request["headers"]).items():
        values = value if isinstance(value, list) else [value]
        headers += [(name.encode(), str(item).encode()) for item in values]
    return Request(
        method=str(request["method"]),
        target=str(request["path"]).encode(),
        headers=headers,
        body=_body(request.get("body")),
    )


def _body(body: object) -> bytes | BodyState:
    if body is None:
        return BodyState.NOT_SHOWN
    if isinstance(body, str):
        return body.encode()
    wide = _mapping(body).get("$utf16")
    return json.dumps(body).encode() if wide is None else json.dumps(wide).encode("utf-16")


def resolve(
    claims: Mapping[str, object], users: Sequence[Mapping[str, object]], config: Config
) -> dict[str, object]:
    """Return whose row the Gate takes for the bearer of these claims."""
    folder = _new_folder()
    with case_database(folder) as url:
        return _run(_resolve(claims, users, config, folder, url))


async def _resolve(
    claims: Mapping[str, object],
    users: Sequence[Mapping[str, object]],
    config: Config,
    folder: Path,
    url: str,
) -> dict[str, object]:
    key = ec.generate_private_key(ec.SECP256R1())
    public = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "k", "alg": "ES256"}
    role = config.get("need_role")
    roles = [Role(role)] if isinstance(role, str) else list(Role)
    document = {
        "stores": {"database": url},
        "budgets": {"engine": "none"},  # a server says nothing of counters in one process
        "issuers": [
            _issuer(config)
            | {"issuer": issuer, "jwks_file": "keys.json", "email_trusted": True}
            | {"algorithms": ["ES256"], "claims": {"roles": config.get("role_claim", "roles")}}
            for issuer in _texts(config.get("issuers", [config["issuer"]]))
        ],
        "roles": {"mappings": [{"value": role.value, "role": role.value} for role in Role]}
        | ({"admin_scope": config["admin_scope"]} if "admin_scope" in config else {}),
        "profiles": {
            "default": {
                "permissions": {role.value: {"routes": ["GET /v1/models"]} for role in roles}
            }
        },
    }
    await _store(url, users)
    signed = {"iss": config["issuer"], "aud": config["audience"], "exp": int(time.time()) + 300}
    token = jwt.encode({**signed, **claims}, key, "ES256", {"kid": "k"})
    headers = [(b"authorization", b"Bearer " + token.encode())]
    keys = {"jwks": json.dumps({"keys": [public]})}
    try:
        settings = load_settings(_settings_file(folder, keys, document))
    except ConfigurationError as error:
        raise AssertionError(str(error)) from error  # no refusal of the Gate's
    async with Gate.open(settings) as gate:
        decision = await gate.decide(
            Request(method="GET", target=b"/v1/models", headers=headers, body=b"")
        )
        assert gate.faults == 0
    if not decision.allowed or decision.caller is None:
        raise Denied(decision.reason.code, decision.reason.sentence)
    return {"user_id": decision.caller.user_id}


async def _store(url: str, people: Sequence[Mapping[str, object]]) -> None:
    """Store people as an operator enters them: nobody's yet, with the ids of their issuer."""
    database = Database(url)
    await database.open()
    async with database.writing() as connection:
        for person in people:
            email = person.get("email")
            row = {
                "user_id": person["user_id"],
                "home_issuer": HOME,
                "sso_user_id": person.get("sso_user_id"),
                "email": None if email is None else str(email).lower(),
                "email_state": None if email is None else "entered",
                "role": person.get("role", person.get("user_role")),
                "blocked": bool(person.get("blocked", False)),
                "models": '"all"',
                "created_at": 0,
            }
            await connection.execute(insert(user_rows).values(row))
    await database.close()


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _mapping(value: object) -> dict[str, object]:
    return dict(value) if isinstance(value, dict) else {}
