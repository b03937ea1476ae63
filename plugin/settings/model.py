"""The whole settings file, and the sections that are neither issuers nor profiles.

Every default is the safe one: nobody is made on the fly, nothing is permitted, nobody but the
machine itself is believed.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field, PrivateAttr

from gatepass.plugin.budgets.engines import EngineKind
from gatepass.plugin.headers import REQUEST_ID, fold_name
from gatepass.plugin.settings.admin_door import admin_findings
from gatepass.plugin.settings.budgets import BudgetSettings
from gatepass.plugin.settings.database_url import POSTGRESQL
from gatepass.plugin.settings.doors import DoorSettings
from gatepass.plugin.settings.fields import (
    AnyNumber,
    AtLeastOne,
    DatabaseUrl,
    FunctionName,
    HeaderName,
    OutageTime,
    PlainName,
    RedisUrl,
    ShortTime,
    Text,
    TokenHeaderName,
)
from gatepass.plugin.settings.introspection import prefix_findings
from gatepass.plugin.settings.issuers import IssuerSettings
from gatepass.plugin.settings.naming_models import (
    AccessGroups,
    ModelAliases,
    Providers,
    ScopeSettings,
    alias_findings,
    group_findings,
)
from gatepass.plugin.settings.people import EndUserSettings, TeamSettings, UserSettings
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
    "worker, or set budgets.engine: sql, which counts in the database, or redis; "
    "budgets.engine: none refuses every caller with a limit"
)
_MANY_PROCESSES = (
    "a server's database is there for many processes, and budgets are counted in one "
    "(budgets.engine: memory): set budgets.engine: sql, which counts in the database, or redis; "
    "budgets.engine: none refuses every caller with a limit; or use a SQLite file"
)
_NO_REDIS = "counts in a Redis or Valkey, and there is none: set stores.redis"

_NO_MEANING = "means nothing without roles.mappings: the role says whose id it is"


class StoreSettings(Section):
    """Where users, teams, budgets, the ledger and the issuers' last keys are kept."""

    database: DatabaseUrl = Field(
        default="sqlite:///gatepass.db",
        description="sqlite:///PATH, where a relative path starts at the settings file, or "
        "postgresql://USER:PASSWORD@HOST:PORT/NAME.",
    )
    redis: RedisUrl | None = Field(
        default=None,
        description="redis:// or rediss://USER:PASSWORD@HOST:PORT/NUMBER of a Redis or Valkey, for "
        "budgets.engine: redis; what one process changes the others then see within a second.",
    )
    deployment: PlainName = Field(
        default="gatepass",
        description="The name that everything in Redis begins with; processes that share a "
        "database share it, others on the same Redis have another.",
    )
    serve_stale_for: OutageTime = Field(
        default=60,
        description="How much longer than usual the rows of a caller are remembered while the "
        "database cannot be read; never an administrator's. 0 for not at all.",
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
            [((name,), fold_name(header.encode())) for name, header in named],
            _SAME_HEADER,
            {REQUEST_ID},
        )

    def every(self) -> tuple[str, ...]:
        """Return all names, the reserved ones last."""
        return (self.user, self.team, self.role, self.organization, self.end_user, *self.reserved)


class CheckSettings(Section):
    """A check of the deployment's own, after all others."""

    custom: FunctionName | None = Field(
        default=None,
        description="MODULE:FUNCTION; gets the claims of a token and must return True.",
    )
    deadline: ShortTime = Field(
        default=1, description="How long it may take; then the answer is 503."
    )


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
    access_groups: AccessGroups = Field(
        default={}, description="Names for lists of models, usable in every list of models."
    )
    model_aliases: ModelAliases = Field(
        default={}, description="Names that count as another model, in every rule and price."
    )
    providers: Providers = Field(
        default={},
        description="Whose models are whose, by bare name: what lets openai/* admit gpt-4o.",
    )
    scopes: ScopeSettings = Field(
        default_factory=ScopeSettings, description="What the scopes of a token grant."
    )
    profiles: Annotated[Mapping[PlainName, ProfileSettings], Field(min_length=1)] = Field(
        description="The rules, by the name that a gateway asks for."
    )
    users: UserSettings = Field(default_factory=UserSettings, description="Unknown users.")
    teams: TeamSettings = Field(default_factory=TeamSettings, description="Unknown teams.")
    end_users: EndUserSettings = Field(
        default_factory=EndUserSettings, description="Unknown end users."
    )
    budgets: BudgetSettings = Field(default_factory=BudgetSettings, description="Money.")
    checks: CheckSettings = Field(
        default_factory=CheckSettings, description="A check of the deployment's own."
    )
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
        if right >= {"issuers", "roles"} and not self.roles.mappings:
            for at, entry in enumerate(self.issuers):
                if entry.claims.object_id:
                    yield Finding(("issuers", at, "claims", "object_id"), _NO_MEANING)
        groups = self.access_groups if "access_groups" in right else {}
        yield from group_findings(groups)
        if "model_aliases" in right:
            yield from alias_findings(self.model_aliases, groups)
        if "doors" in right:
            yield from self._door_findings(right)
        if {"budgets", "stores"} <= right:
            yield from self._store_findings()
        yield from self._header_findings(right)

    def _door_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        counted = "budgets" in right and self.budgets.engine is EngineKind.MEMORY
        if self.doors.workers > 1 and counted:
            yield Finding(("doors", "workers"), _ONE_PROCESS)
        if "profiles" in right:
            yield from admin_findings(self.doors.admin, self.profiles)

    def _store_findings(self) -> Iterator[Finding]:
        if self.budgets.engine is EngineKind.REDIS and self.stores.redis is None:
            yield Finding(("budgets", "engine"), _NO_REDIS)
        on_server = self.stores.database.startswith(POSTGRESQL)
        if on_server and self.budgets.engine is EngineKind.MEMORY:
            yield Finding(("stores", "database"), _MANY_PROCESSES)

    def _header_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        taken: set[object] = {REQUEST_ID}
        if "headers" in right:
            taken |= {fold_name(name.encode()) for name in self.headers.every()}
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
