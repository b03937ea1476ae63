"""Configurations of LiteLLM, and what the importer makes of them."""

from collections.abc import Mapping
from typing import Any

import yaml

from gatepass.plugin.importers.litellm import Imported, import_litellm

ENVIRON = {
    "JWT_PUBLIC_KEY_URL": "https://idp.example/jwks",
    "JWT_ISSUER": "https://idp.example",
    "JWT_AUDIENCE": "llm-gw",
}


def config(
    jwt: Mapping[str, object] | None = None,
    general: Mapping[str, object] | None = None,
    **sections: object,
) -> str:
    """Return a config.yaml with these keys under litellm_jwtauth and general_settings."""
    settings = {"enable_jwt_auth": True, "litellm_jwtauth": dict(jwt or {}), **(general or {})}
    return yaml.safe_dump({"general_settings": settings, **sections})


def imported(
    jwt: Mapping[str, object] | None = None,
    general: Mapping[str, object] | None = None,
    environ: Mapping[str, str] = ENVIRON,
    **sections: object,
) -> Imported:
    return import_litellm(config(jwt, general, **sections), environ)


def settings_of(found: Imported) -> dict[str, Any]:
    """Return the settings that came out, as plain values."""
    assert found.text is not None, found.verdicts
    document: dict[str, Any] = yaml.safe_load(found.text)
    return document


def verdict_of(found: Imported, key: str) -> str:
    """Return the verdict on a key, by the end of its name."""
    (verdict,) = {v.verdict for v in found.verdicts if v.key.endswith(key)}
    return verdict.value


def manual_keys(found: Imported) -> list[str]:
    """Return the keys that a person has to look at, in the order of the report."""
    return [verdict.key for verdict in found.verdicts if verdict.verdict == "manual"]
