"""What is stored as a file of `gatepass directory apply`: applying it changes nothing.

What a row has anyway is left out. Whose a row is, is not said: that is for linking alone.
"""

from collections.abc import Mapping
from typing import Final

import yaml

from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.declared.budget_values import budget_texts
from gatepass.plugin.declared.rows import DEFAULTS, NONE, Fields, Kind, RowId, Rows, Value
from gatepass.plugin.directory.changes.money import NamedBudget

_SECTIONS: Final = {
    Kind.BUDGET: "budgets",
    Kind.ORGANIZATION: "organizations",
    Kind.TEAM: "teams",
    Kind.USER: "users",
    Kind.CUSTOMER: "customers",
}
_GROUPS = {Kind.MEMBER: Kind.TEAM, Kind.ORGANIZATION_MEMBER: Kind.ORGANIZATION}
_NAMES = {"organization_id": "organization"}
_OF_MODELS = {"budget": "model_budgets", "limit": "model_limits"}
_WORDS = ({"role"}, {"limit"})
"""What may be written as one word, where there is nothing else to be said."""

Entry = dict[str, object]


def export_text(rows: Rows) -> str:
    """Return the file; in their sections rows stand in the order in which they are given."""
    document: dict[str, Entry] = {section: {} for section in _SECTIONS.values()}
    for row, fields in rows.items():
        if row.kind in _SECTIONS:
            document[_SECTIONS[row.kind]][row.key[0]] = _entry(row, fields)
    for row, fields in rows.items():
        if row.kind in _GROUPS:
            entry = _entry(row, fields)
            members = _members(document, RowId(_GROUPS[row.kind], row.key[1:]))
            members[row.key[0]] = _one_word(entry)
    budgets = document[_SECTIONS[Kind.BUDGET]]
    document[_SECTIONS[Kind.BUDGET]] = {name: _one_word(one) for name, one in budgets.items()}
    document = {section: entries for section, entries in document.items() if entries}
    if not document:
        return "{}\n"
    text: str = yaml.dump(
        document, Dumper=_WithoutAliases, sort_keys=False, allow_unicode=True, width=100
    )
    return text


class _WithoutAliases(yaml.SafeDumper):
    """Writes every value out: the reader takes no aliases."""

    def ignore_aliases(self, data: object) -> bool:
        """Answer whether a value may not be referred to: none may."""
        del data
        return True


def _members(document: Mapping[str, Entry], group: RowId) -> Entry:
    entry = document[_SECTIONS[group.kind]][group.key[0]]
    members: Entry = entry.setdefault("members", {}) if isinstance(entry, dict) else {}
    return members


def _entry(row: RowId, fields: Fields) -> Entry:
    entry: Entry = {}
    for name, default in DEFAULTS[row.kind].items():
        value = fields[name]
        if value == default and name not in {"role", "home_issuer"}:
            continue
        if isinstance(value, NamedBudget):
            entry[f"{name}_id"] = _escaped(value.budget_id)
        elif isinstance(value, BudgetTemplate):
            whole, of_models = budget_texts(value)
            entry |= {} if whole is None else {name: whole}
            entry |= {_OF_MODELS[name]: _escaped(of_models)} if of_models else {}
        elif name == "home_issuer" and value is None:
            entry[name] = NONE  # a new row that says nothing would get the only issuer
        elif value is not None or name != "role":
            entry[_NAMES.get(name, name)] = _plain(value)
    return entry


def _one_word(entry: object) -> object:
    if isinstance(entry, dict) and set(entry) in _WORDS:
        return next(iter(entry.values()))
    return entry


def _plain(value: Value) -> object:
    if isinstance(value, tuple):
        return [_escaped(item) for item in value]
    return _escaped(value)


def _escaped(value: object) -> object:
    """Return a value whose texts refer to nothing when they are read."""
    if isinstance(value, Mapping):
        return {name: _escaped(member) for name, member in value.items()}
    if isinstance(value, str):
        return str(value).replace("${", "$${")
    return value
