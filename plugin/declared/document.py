"""The directory in a YAML file becomes rows: strictly, with every problem at its line.

    budgets:        {gold: $100 per 30d}
    organizations:  {acme: {alias: Acme, models: all, members: {ann: org_admin}}}
    teams:          {red: {organization: acme, models: [gpt-4o*], budget_id: gold,
                           members: {ann: admin, bob: {role: user, budget: $5 per 30d}}}}
    users:          {ann: {email: ann@example.com, home_issuer: https://login.example.com}}
    customers:      {shop-17: {models: all, blocked: true}}

A section that is not there says nothing of its rows, nor does a team of its members without
`members`. What is in a file is complete only as far as it is written down (`Declared.complete`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gatepass.plugin.declared.field_values import READERS, Read, joined, to_id
from gatepass.plugin.declared.rows import Fields, Kind, RowId, Rows
from gatepass.plugin.settings.problems import BadValue, Finding, Location, did_you_mean
from gatepass.plugin.settings.reading import Document, read_document

MAX_FILE_BYTES = 16 * 1024 * 1024
"""Some hundred thousand rows; the settings' own limit is for settings."""

_SECTIONS = {
    "budgets": Kind.BUDGET,
    "organizations": Kind.ORGANIZATION,
    "teams": Kind.TEAM,
    "users": Kind.USER,
    "customers": Kind.CUSTOMER,
}
_MEMBERS = {Kind.ORGANIZATION: Kind.ORGANIZATION_MEMBER, Kind.TEAM: Kind.MEMBER}
_SHORT = {Kind.BUDGET: "limit", Kind.MEMBER: "role", Kind.ORGANIZATION_MEMBER: "role"}
"""The field that a row is where it is written as one word."""


@dataclass(frozen=True, slots=True)
class Declared:
    """The rows of a file, and of what it names all that there is to be.

    `complete` are the kinds whose rows are all in the file, `groups` the teams and organizations
    whose members are.
    """

    rows: Rows
    complete: frozenset[Kind] = frozenset()
    groups: frozenset[RowId] = frozenset()

    def is_complete_for(self, row: RowId) -> bool:
        """Answer whether a row that is not in the file is not to be."""
        group = Kind.TEAM if row.kind is Kind.MEMBER else Kind.ORGANIZATION
        return row.kind in self.complete or RowId(group, row.key[1:]) in self.groups


def read_declared(path: Path, environ: Mapping[str, str]) -> Declared:
    """Read a file.

    Raises:
        ConfigurationError: it cannot be read, or says what cannot be, with every problem at once.

    """
    document = read_document(path, environ, MAX_FILE_BYTES)
    reader = _Reader(document)
    declared = reader.declared()
    findings = [*document.findings, *reader.findings]
    if findings:
        raise document.origin.error(findings)
    return declared


@dataclass(slots=True)
class _Reader:
    document: Document
    findings: list[Finding] = field(default_factory=list)
    _rows: dict[RowId, Fields] = field(default_factory=dict)
    _groups: set[RowId] = field(default_factory=set)

    def declared(self) -> Declared:
        """Return what the file says, as far as it can be read."""
        complete = set()
        for name, values in self.document.values.items():
            kind = _SECTIONS.get(name)
            if kind is None:
                hint = did_you_mean(name, _SECTIONS) or f"; possible: {', '.join(_SECTIONS)}"
                self._find((name,), f"unknown section{hint}")
                continue
            complete.add(kind)
            for row_id, row in self._mapping(values, (name,)).items():
                self._row(kind, (), row_id, row, (name, row_id))
        return Declared(self._rows, frozenset(complete), frozenset(self._groups))

    def _row(
        self, kind: Kind, group: tuple[str, ...], name: str, value: object, at: Location
    ) -> None:
        """Take one row, which may be written as the one word that most such rows have."""
        row = RowId(kind, (self._checked_id(name, at), *group))
        short = _SHORT.get(kind)
        if short is not None and isinstance(value, str):
            value = {short: value}
        values = dict(self._mapping(value, at))
        if kind in _MEMBERS and "members" in values:
            self._groups.add(row)
            listed, inside = values.pop("members"), (*at, "members")
            for member, what in self._mapping(listed, inside).items():
                self._row(_MEMBERS[kind], row.key, member, what, (*inside, member))
        self._rows[row] = self._fields(kind, values, at)
        if kind is Kind.BUDGET and not values.keys() & {"limit", "model_limits"}:
            self._find(at, 'needs a limit, such as "$100 per 30d"')

    def _fields(self, kind: Kind, values: Mapping[str, object], at: Location) -> Fields:
        readers, found = READERS[kind], dict[str, Read]()
        for name, value in values.items():
            place = (*at, name)
            if name not in readers:
                every = [*readers, *(["members"] if kind in _MEMBERS else [])]
                hint = did_you_mean(name, every) or f"; possible: {', '.join(every)}"
                self._find(place, f"unknown field{hint}")
                continue
            target, check = readers[name]
            if target in found:
                self._find(place, "says the same as another field here; write one of them")
                continue
            try:
                found[target] = None if place in self.document.unreadable else check(value)
            except BadValue as wrong:
                self.findings += [finding.below(place) for finding in wrong.findings]
        try:
            return joined(found)
        except BadValue as wrong:
            self.findings += [finding.below(at) for finding in wrong.findings]
            return {}

    def _mapping(self, value: object, at: Location) -> Mapping[str, object]:
        if value is None or isinstance(value, dict):
            return value or {}
        if at not in self.document.unreadable:
            self._find(at, "must be a mapping")
        return {}

    def _checked_id(self, name: str, at: Location) -> str:
        try:
            return to_id(name)
        except BadValue as wrong:
            self.findings += [finding.below(at) for finding in wrong.findings]
            return name

    def _find(self, at: Location, sentence: str) -> None:
        self.findings.append(Finding(at, sentence))
