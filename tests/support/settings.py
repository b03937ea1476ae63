"""Settings files for tests: the least that is valid, and what is said about wrong ones."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.settings import Settings, load_settings, make_settings

ISSUER: Mapping[str, object] = {"issuer": "https://idp.example", "audience": "llm-gateway"}

LEAST: Mapping[str, object] = {"issuers": [ISSUER], "profiles": {"default": {}}}

LEAST_TEXT = """\
issuers:
  - issuer: https://idp.example
    audience: llm-gateway
profiles:
  default: {}
"""
"""Five lines; what a test appends begins in line 6."""


def settings_with(**sections: object) -> Settings:
    """Return the least settings with some sections added or replaced."""
    return make_settings({**LEAST, **sections})


def issuer_with(**fields: object) -> Settings:
    """Return the least settings with fields of the only issuer added or replaced."""
    return settings_with(issuers=[{**ISSUER, **fields}])


def problems_of(
    folder: Path, text: str, environ: Mapping[str, str] | None = None, name: str = "gatepass.yaml"
) -> list[str]:
    """Return the problems of a file, without its path in front."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load_settings(path, environ=environ or {})
    front = f"{path}:"
    assert all(problem.startswith(front) for problem in raised.value.problems)
    return [problem.removeprefix(front) for problem in raised.value.problems]


def sentences_of(**sections: object) -> list[str]:
    """Return what is wrong with the least settings after a change."""
    with pytest.raises(ConfigurationError) as raised:
        settings_with(**sections)
    return [problem.removeprefix("settings: ") for problem in raised.value.problems]
