"""The whole settings file, and the sections that are neither issuers nor profiles.

Every default is the safe one: nobody is made on the fly, nothing is permitted, nobody but the
machine itself is believed.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field, PrivateAttr

from gatepass.plugin.budgets.engines import BudgetEngine
from gatepass.plugin.headers import fold_name
from gatepass.plugin.settings.budgets import BudgetSettings
from gatepass.plugin.settings.doors import DoorSettings
from gatepass.plugin.settings.fields import (
    AnyNumber,
    AtLeastOne,
    BudgetText,
    DatabaseUrl,
    Flag,
    HeaderName,
    Models,
    PlainName,
    Text,
    TokenHeaderName,
)
from gatepass.plugin.settings.introspection import prefix_findings
from gatepass.plugin.settings.issuers import IssuerSettings
from gatepass.plugin.settings.problems import Finding, Location, Origin, repeated
from gatepass.plugin.settings.profiles import ProfileSettings, RoleSettings, RouteGroups
from gatepass.plugin.settings.section import Section
from gatepass.plugin.settings.sender_constrained import (
    DpopSettings,
    certificate_findings,
    dpop_findings,
)
from gatepass.plugin.settings.token_cache import TokenCacheSettings

_IDENTITY = ("user", "team", "role", "organization", "end_user")
_SAME_HEADER = "the header has another use already; letter case does not count, and _ reads as -"
_ONE_PROCESS = (
    "budgets are counted in process (budgets.engine: memory), so only one may run: run a single "
    "worker, or set budgets.engine: none, which refuses every caller with a money limit"
)


class RowDefaultSettings(Section):
    """What a row that is made on the fly starts with."""

    budget: BudgetText | None = Field(
        default=None, description="A money limit, such as $50 per 30d; none by default."
    )
    models: Models = Field(default="all", description="Model patterns, or the word all.")


class UserSettings(Section):
    """Users that are not stored yet."""

    upsert: Flag = Field(
        default=False, description="Make a row for a user seen for the first time."
    )
    defaults: RowDefaultSettings = Field(
        default_factory=RowDefaultSettings, description="What such a row starts with."
    )


class TeamSettings(Section):
    """Teams that are not stored yet, and the choice between several."""

    upsert: Flag = Field(
        default=False, description="Make a row for a team seen for the first time."
    )
    header: HeaderName | None = Field(
        default="x-gatepass-team",
        description="The request header that chooses one of the token's teams; null for none.",
    )
    defaults: RowDefaultSettings = Field(
        default_factory=RowDefaultSettings, description="What such a row starts with."
    )


class StoreSettings(Section):
    """Where users, teams, budgets, the ledger and the issuers' last keys are kept."""

    database: DatabaseUrl = Field(
        default="sqlite:///gatepass.db",
        description="sqlite:///PATH; a relative path starts at the settings file.",
    )
    keys_cache: Text | None = Field(
        default=None,
        description="A folder for the last good keys of every issuer, so that a start during an "
        "issuer's outage can verify; a relative path starts at the settings file. None by default.",
    )


class HeaderSettings(Section):
    """The headers that tell the upstream who calls. No client may send them."""

    user: HeaderName = Field(default="x-gatepass-user", description="The user's id.")
    team: HeaderName = Field(default="x-gatepass-team-id", description="The team's id.")
    role: HeaderName = Field(default="x-gatepass-role", description="The role.")
    organization: HeaderName = Field(
        default="x-gatepass-organization", description="The organization's id."
    )
    end_user: HeaderName = Field(
        default="x-gatepass-end-user", description="The id of the customer who is served."
    )
    reserved: AnyNumber[HeaderName] = Field(
        default=(), description="Further headers that are taken from every request."
    )

    def cross_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        """Yield the headers that would overwrite another one."""
        named = [(name, getattr(self, name)) for name in _IDENTITY if name in right]
        yield from repeated(
            [((name,), fold_name(header.encode())) for name, header in named], _SAME_HEADER
        )

    def every(self) -> tuple[str, ...]:
        """Return all names, the reserved ones last."""
        return (self.user, self.team, self.role, self.organization, self.end_user, *self.reserved)


class Settings(Section):
    """The settings of one deployment."""

    issuers: Annotated[tuple[IssuerSettings, ...], Field(min_length=1)] = Field(
        description="The issuers whose tokens are accepted."
    )
    roles: RoleSettings = Field(
        default_factory=RoleSettings, description="How tokens assert a role."
    )
    route_groups: RouteGroups = Field(
        default={}, description="Names for lists of routes, beside the built-in ones."
    )
    profiles: Annotated[Mapping[PlainName, ProfileSettings], Field(min_length=1)] = Field(
        description="The rules, by the name that a gateway asks for."
    )
    users: UserSettings = Field(default_factory=UserSettings, description="Unknown users.")
    teams: TeamSettings = Field(default_factory=TeamSettings, description="Unknown teams.")
    budgets: BudgetSettings = Field(default_factory=BudgetSettings, description="Money.")
    stores: StoreSettings = Field(default_factory=StoreSettings, description="Where state is kept.")
    doors: DoorSettings = Field(default_factory=DoorSettings, description="How gateways ask.")
    headers: HeaderSettings = Field(
        default_factory=HeaderSettings, description="What the upstream is told."
    )
    token_headers: AtLeastOne[TokenHeaderName] = Field(
        default=("authorization",),
        description="The headers that may hold a bearer token; a request may fill one of them.",
    )
    dpop: DpopSettings = Field(
        default_factory=DpopSettings,
        description="The proofs of tokens that are bound to a key.",
    )
    token_cache: TokenCacheSettings = Field(
        default_factory=TokenCacheSettings, description="How verified tokens are remembered."
    )

    _origin: Origin = PrivateAttr(default_factory=Origin)

    @property
    def origin(self) -> Origin:
        """Return the file that the settings come from."""
        return self._origin

    def remember(self, origin: Origin) -> None:
        """Note where the settings come from; done once, by whoever made them."""
        self._origin = origin

    def cross_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        """Yield what is wrong between sections."""
        if "issuers" in right:
            yield from repeated(
                [
                    (("issuers", at, "issuer"), entry.issuer)
                    for at, entry in enumerate(self.issuers)
                ],
                "the same issuer stands above; the keys of two entries are never pooled",
            )
            yield from prefix_findings(self.issuers)
        if {"issuers", "dpop"} <= right:
            yield from dpop_findings(self.dpop, self.issuers)
        if {"issuers", "doors"} <= right:
            yield from certificate_findings(self.doors.http.client_certificate_header, self.issuers)
        if {"budgets", "doors"} <= right:
            yield from self._worker_findings()
        yield from self._header_findings(right)

    def _worker_findings(self) -> Iterator[Finding]:
        if self.doors.workers > 1 and self.budgets.engine is BudgetEngine.MEMORY:
            yield Finding(("doors", "workers"), _ONE_PROCESS)

    def _header_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        taken: set[object] = set()
        if "headers" in right:
            taken = {fold_name(name.encode()) for name in self.headers.every()}
        named: list[tuple[Location, object]] = []
        if "teams" in right and self.teams.header is not None:
            named.append((("teams", "header"), fold_name(self.teams.header.encode())))
        if "doors" in right and self.doors.http.client_certificate_header is not None:
            header = self.doors.http.client_certificate_header
            named.append(
                (("doors", "http", "client_certificate_header"), fold_name(header.encode()))
            )
        if "token_headers" in right:
            named += [
                (("token_headers", index), fold_name(name.encode()))
                for index, name in enumerate(self.token_headers)
            ]
        yield from repeated(named, _SAME_HEADER, taken)
