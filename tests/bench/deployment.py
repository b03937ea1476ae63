"""A small deployment for the benchmarks: one issuer, a team and a user with money limits."""

import json
import time
from pathlib import Path

import yaml

from support.tokens import AUDIENCE, ISSUER, signing_key

TARGET = b"/v1/chat/completions"


def settings_file(folder: Path, listen: str = "127.0.0.1:0") -> Path:
    key = signing_key("RS256")
    budget = "$1000000 per 30d"
    document = {
        "issuers": [
            {
                "issuer": ISSUER,
                "audience": AUDIENCE,
                "jwks": {"keys": [key.jwk()]},
                "claims": {"team": "team", "roles": "groups"},
            }
        ],
        "roles": {"mappings": [{"value": "staff", "role": "internal_user"}]},
        "profiles": {
            "default": {
                "permissions": {
                    "internal_user": {
                        "routes": ["openai_routes", "info_routes"],
                        "models": ["gpt-4o*"],
                    }
                }
            }
        },
        "users": {"upsert": True, "defaults": {"budget": budget}},
        "teams": {"upsert": True, "defaults": {"budget": budget}},
        "budgets": {
            "prices": [
                {"model": "gpt-4o*", "input": "$2.50", "output": "$10", "max_output_tokens": 16384}
            ]
        },
        "doors": {"http": {"listen": listen}},
    }
    path = folder / "gatepass.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def claims(number: int) -> dict[str, object]:
    """Fifteen claims, about the size that Entra or Keycloak issue."""
    now = int(time.time())
    return {
        "iat": now,
        "jti": f"00000000-0000-4000-8000-{number:012d}",
        "azp": "chat-front-end",
        "scope": "openid profile email",
        "email": "ann@corp.example",
        "email_verified": True,
        "name": "Ann Example",
        "preferred_username": "ann@corp.example",
        "groups": ["staff", "berlin", "research"],
        "team": "research",
        "sid": "8d1f4b0e-4f0f-4f4e-9a5e-0d6f6d2f7f11",
        "acr": "1",
    }


def new_token(number: int) -> bytes:
    return signing_key("RS256").token(claims(number))


def chat_body() -> bytes:
    """A chat request of one kilobyte, without blanks between members, as the SDKs write it."""
    messages = [
        {"role": "system", "content": "You answer shortly and to the point. " * 5},
        {"role": "user", "content": "What do the tides have to do with the moon? " * 16},
    ]
    body = {"model": "gpt-4o", "messages": messages, "max_tokens": 100, "stream": True}
    return json.dumps(body, separators=(",", ":")).encode()


def headers(token: bytes) -> list[tuple[bytes, bytes]]:
    """What a chat client and a gateway in front of us send."""
    return [
        (b"host", b"llm.corp.example"),
        (b"user-agent", b"openai-python/1.99"),
        (b"accept", b"application/json"),
        (b"accept-encoding", b"gzip, deflate"),
        (b"content-type", b"application/json"),
        (b"x-stainless-lang", b"python"),
        (b"x-stainless-retry-count", b"0"),
        (b"x-request-id", b"0b6b2a3e-6a3b-4d8e-9a43-4a1f3c1b2a3d"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-for", b"192.0.2.7"),
        (b"authorization", b"Bearer " + token),
    ]
