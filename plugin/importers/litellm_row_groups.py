"""LiteLLM's organizations, teams and end users, row by row.

An empty list of models is every model there; here that is the word "all". A team's members may
change guardrails there unless its metadata says that they may not.
"""

from collections.abc import Container, Mapping

from gatepass.plugin.declared.rows import ALL, Fields, Kind, RowId, Value
from gatepass.plugin.importers.litellm_row import RowReader
from gatepass.plugin.importers.litellm_row_limits import NOT_LIMITS, read_limit
from gatepass.plugin.importers.litellm_row_money import (
    BudgetTable,
    Spending,
    read_spending,
)
from gatepass.plugin.importers.row_notes import RowNotes
from gatepass.rbac.models import compile_models

_OBJECTS = "MCP servers, vector stores and agents are not judged here"
NOT_TAKEN = {
    **NOT_LIMITS,
    "object_permission": _OBJECTS,
    "object_permission_id": _OBJECTS,
    "policies": "policies stay there",
    "access_group_ids": "the models of access groups are not granted here: list them in models",
}
"""What says more than the columns that are taken over, and why it is not."""

SILENT = ("created_at", "created_by", "updated_at", "updated_by", "model_spend")
"""Columns that only speak of the row itself."""

_METADATA_THAT_LIMITS = frozenset({"model_rpm_limit", "model_tpm_limit", "guardrails", "tags"})
MEMBERS_OF_TEAMS = ("members_with_roles", "members", "admins", "team_memberships")
"""Columns of a team that say who its members are; read where its users are known."""

_NOT_OF_TEAMS = {
    **NOT_TAKEN,
    "router_settings": "routing stays there",
    "team_member_permissions": "what members may do to the team's virtual keys stays there",
    "default_team_member_models": "models for new members are not taken over",
    "allow_team_guardrail_config": "guardrails are configured there",
}
_SILENT_OF_TEAMS = (
    *SILENT,
    *("keys", "keys_count", "members_count", "model_id", "litellm_organization_table"),
    *("projects", "service_account_keys", "team_member_budget_table"),
)
_SILENT_OF_ORGANIZATIONS = (*SILENT, "teams", "users", "keys", "budget_reset_at")
_NOT_OF_END_USERS = {
    **NOT_TAKEN,
    "allowed_model_region": "regions are not judged here: list the models in models",
    "default_model": "no model is put in place of another",
}


def read_models(reader: RowReader, column: str = "models") -> Value:
    """Return what a row's list of models means here."""
    listed = reader.texts(column)
    if not listed:
        return ALL
    try:
        compile_models(listed)
    except ValueError as wrong:
        reader.note.refused(f"{column}: {wrong}")
    return listed


def note_metadata(reader: RowReader, metadata: Mapping[str, object]) -> None:
    """Say that what is left of a row's metadata is not taken over."""
    left = {name for name, value in metadata.items() if value not in (None, "", [], {})}
    if left & _METADATA_THAT_LIMITS:
        names = ", ".join(sorted(left & _METADATA_THAT_LIMITS))
        reader.note.manual(f"metadata: what {names} do there is not done here")
    elif left:
        reader.note.changed("metadata: stays there")


def read_organization(
    row: Mapping[str, object], budgets: BudgetTable, notes: RowNotes
) -> tuple[RowId, Fields, list[Spending]] | None:
    """Return an organization, or None when it is refused."""
    note = notes.open("organization", str(row.get("organization_id") or "?"))
    reader = RowReader(row, note)
    organization_id = reader.text("organization_id")
    fields: Fields = {
        "alias": reader.alias("organization_alias"),
        "models": read_models(reader),
        "budget": budgets.find(reader, notes),
    }
    note_metadata(reader, reader.mapping("metadata"))
    if organization_id is None:
        note.refused("organization_id: is missing")
        return None
    row_id = RowId(Kind.ORGANIZATION, (organization_id,))
    spending = read_spending(reader, row_id)
    reader.nothing_left(meant=NOT_TAKEN, silent=(*_SILENT_OF_ORGANIZATIONS, "members"))
    return None if note.is_refused else (row_id, fields, spending)


def read_team(
    row: Mapping[str, object],
    budgets: BudgetTable,
    aliases: Mapping[int, object],
    known: Container[RowId],
    notes: RowNotes,
) -> tuple[RowId, Fields, list[Spending]] | None:
    """Return a team without its members, or None when it is refused.

    `aliases` are the names for models by the number that teams give; `known` says which
    organizations there are.
    """
    note = notes.open("team", str(row.get("team_id") or "?"))
    reader = RowReader(row, note)
    team_id, organization_id = reader.text("team_id"), reader.text("organization_id")
    if organization_id and RowId(Kind.ORGANIZATION, (organization_id,)) not in known:
        note.refused("its organization is neither in the export nor stored, or was refused")
    metadata = dict(reader.mapping("metadata"))
    share = metadata.pop("team_member_budget_id", None)
    fields: dict[str, Value] = {
        "alias": reader.alias("team_alias"),
        "organization_id": organization_id,
        "blocked": reader.flag("blocked"),
        "models": read_models(reader),
        "budget": read_limit(reader),
        "member_budget": budgets.by_id(share, {}, reader, notes)
        if isinstance(share, str)
        else None,
        "model_aliases": _model_aliases(reader, aliases),
        "may_modify_guardrails": _may_modify_guardrails(metadata),
    }
    note_metadata(reader, metadata)
    if team_id is None:
        note.refused("team_id: is missing")
        return None
    row_id = RowId(Kind.TEAM, (team_id,))
    spending = read_spending(reader, row_id)
    reader.nothing_left(meant=_NOT_OF_TEAMS, silent=(*_SILENT_OF_TEAMS, *MEMBERS_OF_TEAMS))
    return None if note.is_refused else (row_id, fields, spending)


def _model_aliases(reader: RowReader, aliases: Mapping[int, object]) -> Mapping[str, str]:
    nested = reader.mapping("litellm_model_table").get("model_aliases")
    number = reader.number("model_id")
    found: object = nested
    if nested is None and number is not None:
        found = aliases.get(int(number))
        if found is None:
            reader.note.manual("model_id: its names for models are not in the export")
    names = RowReader({"model_aliases": found}, reader.note).mapping("model_aliases")
    if not all(isinstance(name, str) for name in names.values()):
        reader.note.refused("model_aliases: must be an object of texts")
    return {alias: str(name) for alias, name in names.items()}


def _may_modify_guardrails(metadata: dict[str, object]) -> bool:
    said = metadata.get("guardrails")
    if not isinstance(said, Mapping):
        return True
    left = {name: value for name, value in said.items() if name != "modify_guardrails"}
    metadata["guardrails"] = left
    return said.get("modify_guardrails") is not False


def read_end_user(
    row: Mapping[str, object], budgets: BudgetTable, notes: RowNotes
) -> tuple[RowId, Fields, list[Spending]] | None:
    """Return an end user, or None when it is refused."""
    note = notes.open("customer", str(row.get("user_id") or "?"))
    reader = RowReader(row, note)
    end_user_id = reader.text("user_id")
    fields: Fields = {
        "blocked": reader.flag("blocked"),
        "models": ALL,
        "budget": budgets.find(reader, notes),
    }
    if end_user_id is None:
        note.refused("user_id: is missing")
        return None
    row_id = RowId(Kind.CUSTOMER, (end_user_id,))
    spending = read_spending(reader, row_id)
    reader.nothing_left(meant=_NOT_OF_END_USERS, silent=(*SILENT, "alias"))
    return None if note.is_refused else (row_id, fields, spending)
