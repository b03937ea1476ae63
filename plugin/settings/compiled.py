"""What the settings mean, ready to be used: plain values that need neither pydantic nor YAML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from gatepass.jwks.cache import CacheBounds
from gatepass.jwks.issuer import Issuer
from gatepass.jwks.proof_rules import ProofRules
from gatepass.plugin.budgets.engines import BudgetEngine
from gatepass.plugin.custom_check import CustomCheck
from gatepass.plugin.directory.rules import DirectoryRules
from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
from gatepass.plugin.gateways.certificates import CertificateHeader
from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.gateways.listener import Address
from gatepass.plugin.groups_resolver import GroupsResolver
from gatepass.plugin.headers import fold_name
from gatepass.plugin.metering.prices import PriceTable
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
        """Return the folded names of all of them."""
        named = (self.user, self.team, self.role, self.organization, self.end_user)
        return self.reserved.union(fold_name(name) for name in named)


@dataclass(frozen=True, slots=True)
class HttpDoor:
    """How the HTTP decision service listens, whom it believes, and its bounds.

    `usage_token` is what whoever reports usage must send; None lets nobody. `client_certificate` is
    None where the proxies do not show it.
    """

    listen: Address
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    max_body_bytes: int
    deadline_seconds: int
    usage_token: bytes | None = field(default=None, repr=False)
    client_certificate: CertificateHeader | None = None


@dataclass(frozen=True, slots=True)
class StatusDoor:
    """How the pages for monitoring listen, and who may read them."""

    listen: Address
    readers: tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """Everything that one generation of the settings says.

    `issuers` are not started and have fetched nothing. `team_header` is None when no header may
    choose a team, `proofs` when no token may be bound to a key, `kong`, `apisix` and `status` when
    there is no such door, `custom_check` when there is no such check. `database` is a URL with an
    absolute path. `groups_resolvers` are by issuer.
    """

    policy: Policy
    issuers: tuple[Issuer, ...]
    token_cache: CacheBounds
    proofs: ProofRules | None
    identity_headers: IdentityHeaders
    token_headers: tuple[bytes, ...]
    team_header: bytes | None
    prices: PriceTable
    directory: DirectoryRules
    budget_engine: BudgetEngine
    reservation_timeout_seconds: int
    http: HttpDoor
    kong: KongDoor | None
    apisix: ApisixDoor | None
    status: StatusDoor | None
    workers: int
    database: str
    custom_check: CustomCheck | None
    groups_resolvers: Mapping[str, GroupsResolver]
