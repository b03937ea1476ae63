"""What the settings mean, ready to be used: plain values that need neither pydantic nor YAML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from gatepass.jwks.cache import CacheBounds
from gatepass.jwks.issuer import Issuer
from gatepass.jwks.proof_rules import ProofRules
from gatepass.plugin.alerts.rules import AlertRules
from gatepass.plugin.budgets.applicable import LimitRules
from gatepass.plugin.budgets.engine import EngineRules
from gatepass.plugin.budgets.engines import EngineKind
from gatepass.plugin.budgets.estimates import PriceRules
from gatepass.plugin.custom_check import CustomCheck
from gatepass.plugin.directory.rules import DirectoryRules
from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
from gatepass.plugin.gateways.certificates import CertificateHeader
from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.gateways.listener import Address
from gatepass.plugin.groups_resolver import GroupsResolver
from gatepass.plugin.headers import REQUEST_ID, fold_name
from gatepass.plugin.redis_place import RedisPlace
from gatepass.rbac.policy import Policy


@dataclass(frozen=True, slots=True)
class IdentityHeaders:
    """The headers that tell the upstream who calls, as lower-case bytes; only we may set them.

    `reserved` holds the folded names of further headers that no client may send.
    """

    user: bytes
    team: bytes
    role: bytes
    organization: bytes
    end_user: bytes
    reserved: frozenset[bytes]

    def every(self) -> frozenset[bytes]:
        """Return the folded names of all of them, and of the request's id."""
        named = (self.user, self.team, self.role, self.organization, self.end_user, REQUEST_ID)
        return self.reserved.union(fold_name(name) for name in named)


@dataclass(frozen=True, slots=True)
class HttpDoor:
    """How the HTTP decision service listens, whom it believes, and its bounds.

    `usage_token` is what whoever reports usage must send; None lets nobody. `cost_header` is where
    an upstream says what a call cost, in lower case. `client_certificate` is
    None where the proxies do not show it.
    """

    listen: Address
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    max_body_bytes: int
    deadline_seconds: int
    usage_token: bytes | None = field(default=None, repr=False)
    cost_header: bytes | None = None
    client_certificate: CertificateHeader | None = None


@dataclass(frozen=True, slots=True)
class StatusDoor:
    """How the pages for monitoring listen, and who may read them."""

    listen: Address
    readers: tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True, slots=True)
class AdminDoor:
    """How the management service listens, the profile that it goes by, and its bounds."""

    listen: Address
    profile: str
    max_body_bytes: int
    deadline_seconds: int


@dataclass(frozen=True, slots=True)
class Compiled:
    """Everything that one generation of the settings says.

    `issuers` are not started and have fetched nothing. `team_header` is None when no header may
    choose a team, `proofs` when no token may be bound to a key, `kong`, `apisix`, `status` and
    `admin` when there is no such door, `custom_check` when there is no such check. `database` is a
    URL with an absolute path, `redis` None when there is none. `serve_stale_seconds` is how long
    after their time rows count while the database is away. `groups_resolvers` are by issuer.
    """

    policy: Policy
    issuers: tuple[Issuer, ...]
    token_cache: CacheBounds
    proofs: ProofRules | None
    identity_headers: IdentityHeaders
    token_headers: tuple[bytes, ...]
    team_header: bytes | None
    prices: PriceRules
    limits: LimitRules
    alerts: AlertRules | None
    directory: DirectoryRules
    budget_engine: EngineKind
    engine_rules: EngineRules
    http: HttpDoor
    kong: KongDoor | None
    apisix: ApisixDoor | None
    status: StatusDoor | None
    admin: AdminDoor | None
    workers: int
    database: str
    redis: RedisPlace | None
    serve_stale_seconds: int
    custom_check: CustomCheck | None
    groups_resolvers: Mapping[str, GroupsResolver]
