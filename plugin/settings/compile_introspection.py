"""From the settings of introspection to what the verifier asks by. Nothing is asked here."""

from typing import TYPE_CHECKING

from gatepass.jwks.discovery import Metadata
from gatepass.jwks.introspection import Introspection
from gatepass.jwks.introspection_endpoint import DiscoveredEndpoint, Endpoint, NamedEndpoint
from gatepass.jwks.introspection_request import Client

if TYPE_CHECKING:
    from gatepass.jwks.fetcher import Fetcher
    from gatepass.plugin.settings.introspection import IntrospectionSettings
    from gatepass.plugin.settings.issuers import IssuerSettings


def compile_introspection(settings: "IssuerSettings", fetcher: "Fetcher") -> Introspection | None:
    """Return how the issuer is asked about opaque tokens, None where it is not."""
    asking = settings.introspection
    if asking is None:
        return None
    return Introspection(
        endpoint=_endpoint(settings, asking, fetcher),
        client=Client(asking.client_id, asking.client_secret, asking.authentication),
        fetcher=fetcher,
        token_prefix=asking.token_prefix or "",
        cache_seconds=asking.cache,
        refused_seconds=asking.inactive_cache,
        max_per_second=asking.max_per_second,
        max_in_flight=asking.max_in_flight,
    )


def _endpoint(
    settings: "IssuerSettings", asking: "IntrospectionSettings", fetcher: "Fetcher"
) -> Endpoint:
    if not asking.discovers:
        return NamedEndpoint(asking.endpoint)
    return DiscoveredEndpoint(
        settings.issuer,
        fetcher,
        allowed_hosts=frozenset(settings.jwks_hosts),
        allow_http_loopback=settings.allow_http_loopback,
        metadata=Metadata.OAUTH if asking.endpoint == "oauth-metadata" else Metadata.OPENID,
    )
