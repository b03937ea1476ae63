"""Rows of LiteLLM's database and answers of its list endpoints, as far as tests need them."""

import json
from pathlib import Path

from gatepass.plugin.declared.rows import Fields, Kind, RowId, Rows
from gatepass.plugin.importers.litellm_export import read_export
from gatepass.plugin.importers.litellm_rows import ImportedRows, import_rows
from gatepass.plugin.importers.row_notes import RowNotes, RowVerdict

HOME = "https://idp.example"
Table = list[dict[str, object]]


def row(kind: Kind, *key: str) -> RowId:
    return RowId(kind, key)


def imported(
    folder: Path, stored: Rows | None = None, home: str | None = HOME, **tables: object
) -> ImportedRows:
    """Import tables, each from a file of its name."""
    for name, rows in tables.items():
        (folder / f"{name}.json").write_text(json.dumps(rows))
    notes = RowNotes()
    export = read_export(folder, notes)
    return import_rows(export, notes, home_issuer=home, stored=stored or {})


def verdict_on(found: ImportedRows, kind: str, key: str) -> RowVerdict:
    (verdict,) = [one for one in found.verdicts if (one.kind, one.key) == (kind, key)]
    return verdict


def user(user_id: str, **columns: object) -> dict[str, object]:
    """Return a row of LiteLLM_UserTable with the columns that the database always has."""
    return {
        "user_id": user_id,
        "user_alias": None,
        "team_id": None,
        "sso_user_id": None,
        "organization_id": None,
        "password": None,
        "teams": [],
        "user_role": None,
        "max_budget": None,
        "spend": 0.0,
        "user_email": None,
        "models": [],
        "metadata": {},
        "max_parallel_requests": None,
        "tpm_limit": None,
        "rpm_limit": None,
        "budget_duration": None,
        "budget_reset_at": None,
        "allowed_cache_controls": [],
        "policies": [],
        "model_spend": {},
        "model_max_budget": {},
        "created_at": "2026-01-02T03:04:05.678",
        "updated_at": "2026-01-02T03:04:05.678",
        **columns,
    }


def team(team_id: str, **columns: object) -> dict[str, object]:
    """Return a row of LiteLLM_TeamTable with the columns that the database always has."""
    return {
        "team_id": team_id,
        "team_alias": None,
        "organization_id": None,
        "admins": [],
        "members": [],
        "members_with_roles": {},
        "metadata": {},
        "max_budget": None,
        "spend": 0.0,
        "models": [],
        "tpm_limit": None,
        "rpm_limit": None,
        "budget_duration": None,
        "budget_reset_at": None,
        "blocked": False,
        "model_spend": {},
        "model_max_budget": {},
        "router_settings": {},
        "team_member_permissions": [],
        "access_group_ids": [],
        "default_team_member_models": [],
        "model_id": None,
        "allow_team_guardrail_config": False,
        "created_at": "2026-01-02T03:04:05.678",
        "updated_at": "2026-01-02T03:04:05.678",
        **columns,
    }


def members(**roles: str) -> list[dict[str, object]]:
    """Return a team's list of members."""
    return [{"user_id": name, "user_email": None, "role": role} for name, role in roles.items()]


def fields_of(found: ImportedRows, kind: Kind, *key: str) -> Fields:
    return found.rows[row(kind, *key)]
