"""From settings to the values that the gate works with: one function per part of `Compiled`.

Everything that can be wrong was found when the settings were made (section.py, grammar.py). What
was put together another way, around those checks, is refused here too, with less detail. Nothing is
fetched, opened or started.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from gatepass.jwks.cache import CacheBounds
from gatepass.jwks.discovery import Metadata
from gatepass.jwks.errors import ConfigurationError
from gatepass.jwks.fetch import HttpFetcher
from gatepass.jwks.fetcher import Fetcher
from gatepass.jwks.freshness import Freshness
from gatepass.jwks.issuer import Issuer
from gatepass.jwks.rules import IssuerRules
from gatepass.jwks.source import DiscoveredKeys, FileKeys, InlineKeys, KeySource, UrlKeys
from gatepass.plugin.custom_check import CustomCheck, load_check
from gatepass.plugin.groups_resolver import GroupsResolver, load_resolver
from gatepass.plugin.headers import fold_name
from gatepass.plugin.redis_place import RedisPlace
from gatepass.plugin.settings.compile_budgets import (
    compile_alerts,
    compile_engine_rules,
    compile_limits,
    compile_prices,
)
from gatepass.plugin.settings.compile_directory import compile_directory
from gatepass.plugin.settings.compile_doors import (
    admin_door,
    apisix_door,
    certificate_headers,
    http_door,
    kong_door,
    status_door,
)
from gatepass.plugin.settings.compile_introspection import compile_introspection
from gatepass.plugin.settings.compile_policy import compile_policy
from gatepass.plugin.settings.compile_senders import (
    certificates_are_wanted,
    compile_proofs,
    type_claims,
)
from gatepass.plugin.settings.compiled import Compiled, HttpDoor, IdentityHeaders
from gatepass.plugin.settings.database_url import POSTGRESQL, SQLITE

if TYPE_CHECKING:
    from gatepass.plugin.settings.issuers import IssuerSettings
    from gatepass.plugin.settings.model import CheckSettings, Settings, StoreSettings

__all__ = ["Compiled", "HttpDoor", "IdentityHeaders", "compile_settings"]


def compile_settings(settings: "Settings", *, fetcher: Fetcher | None = None) -> Compiled:
    """Return what the settings mean.

    `fetcher` gets what every issuer publishes, in place of one `HttpFetcher` per issuer; which
    addresses are safe to ask (`allow_http_loopback`) and for how long (`fetch_timeout`) is then its
    own business.

    Raises:
        ConfigurationError: for settings that were not made by `load_settings` or `make_settings`.

    """
    origin = settings.origin
    certificates = certificates_are_wanted(settings.issuers)
    try:
        return Compiled(
            policy=compile_policy(settings),
            issuers=tuple(
                _issuer(issuer, origin.folder, fetcher, settings.stores.keys_cache)
                for issuer in settings.issuers
            ),
            token_cache=CacheBounds(
                max_tokens=settings.token_cache.max_tokens,
                max_bytes=settings.token_cache.max_bytes,
                max_age_seconds=settings.token_cache.max_age,
            ),
            proofs=compile_proofs(settings.dpop, settings.issuers),
            identity_headers=_identity_headers(settings),
            token_headers=tuple(name.encode() for name in settings.token_headers),
            team_header=settings.teams.header.encode() if settings.teams.header else None,
            prices=compile_prices(settings.budgets),
            alerts=compile_alerts(settings.budgets),
            limits=compile_limits(settings.budgets, settings.providers),
            directory=compile_directory(settings),
            budget_engine=settings.budgets.engine,
            engine_rules=compile_engine_rules(settings),
            http=http_door(settings.doors.http),
            kong=kong_door(settings.doors.kong, certificates=certificates),
            apisix=apisix_door(settings.doors.apisix, certificates=certificates),
            status=status_door(settings.doors.status),
            admin=admin_door(settings.doors.admin),
            workers=settings.doors.workers,
            database=_database(settings.stores.database, origin.folder),
            redis=_redis(settings.stores),
            serve_stale_seconds=settings.stores.serve_stale_for,
            custom_check=_custom_check(settings.checks),
            groups_resolvers={
                issuer.issuer: GroupsResolver(
                    load_resolver(issuer.groups_resolver), issuer.groups_deadline
                )
                for issuer in settings.issuers
                if issuer.groups_resolver is not None
            },
        )
    except ValueError as wrong:
        # the messages of rbac's compilers are fixed sentences
        raise ConfigurationError([f"{origin.file}: {wrong}"]) from wrong


def _issuer(
    settings: "IssuerSettings", folder: Path, fetcher: Fetcher | None, keys_cache: str | None
) -> Issuer:
    rules = IssuerRules(
        issuer=settings.issuer,
        audiences=frozenset(settings.audience),
        algorithms=frozenset(settings.algorithms),
        token_types=frozenset(
            kind.lower().removeprefix("application/") for kind in settings.token_types
        ),
        absent_type_allowed=not settings.typ_required,
        type_claims=type_claims(settings),
        access_token_claims=frozenset(settings.access_token_claims),
        id_tokens_allowed=settings.allow_id_tokens,
        audience_claim=settings.audience_claim,
        required_claims={
            name: frozenset(values) for name, values in settings.require_claims.items()
        },
        leeway_seconds=settings.leeway,
        max_lifetime_seconds=settings.max_lifetime,
        allow_padding=settings.allow_padding,
        unsafe_any_audience=settings.unsafe_any_audience,
        tenants=frozenset(settings.tenants),
        unsafe_any_tenant=settings.unsafe_any_tenant,
        mtls=settings.sender_constrained.mtls,
        dpop=settings.sender_constrained.dpop,
        unsafe_ignore_confirmation=settings.sender_constrained.unsafe_ignore_confirmation,
    )
    freshness = Freshness(
        refresh_seconds=settings.refresh,
        min_refetch_seconds=settings.min_refetch,
        max_stale_seconds=settings.max_stale,
        min_refresh_seconds=settings.min_refresh,
    )
    keys_folder = None if keys_cache is None else folder / keys_cache
    if fetcher is None:
        fetcher = HttpFetcher(
            timeout_seconds=settings.fetch_timeout,
            allow_http_loopback=settings.allow_http_loopback,
            allow_networks=settings.allow_networks,
            ca_file=None if settings.ca_file is None else folder / settings.ca_file,
            proxy=settings.proxy,
        )
    source = _source(settings, folder, fetcher)
    introspection = compile_introspection(settings, fetcher)
    return Issuer(rules, source, freshness, keys_folder, introspection)


def _source(settings: "IssuerSettings", folder: Path, fetcher: Fetcher) -> KeySource | None:
    if settings.keys == "none":
        return None
    if settings.jwks is not None:
        return InlineKeys(settings.jwks)
    if settings.jwks_file is not None:
        return FileKeys(folder / settings.jwks_file)
    if settings.jwks_uri is not None:
        return UrlKeys(settings.jwks_uri, fetcher)
    return DiscoveredKeys(
        settings.issuer,
        fetcher,
        allowed_hosts=frozenset(settings.jwks_hosts),
        allow_http_loopback=settings.allow_http_loopback,
        metadata=Metadata.OAUTH if settings.keys == "oauth-metadata" else Metadata.OPENID,
        beneath=settings.metadata_base,
    )


def _identity_headers(settings: "Settings") -> IdentityHeaders:
    headers = settings.headers
    reserved = [*headers.reserved, *certificate_headers(settings.doors.http)]
    return IdentityHeaders(
        user=headers.user.encode(),
        team=headers.team.encode(),
        role=headers.role.encode(),
        organization=headers.organization.encode(),
        end_user=headers.end_user.encode(),
        reserved=frozenset(fold_name(name.encode()) for name in reserved),
    )


def _custom_check(settings: "CheckSettings") -> CustomCheck | None:
    if settings.custom is None:
        return None
    return CustomCheck(load_check(settings.custom), settings.deadline)


def _redis(stores: "StoreSettings") -> RedisPlace | None:
    return None if stores.redis is None else RedisPlace(stores.redis, stores.deployment)


def _database(url: str, folder: Path) -> str:
    """Return the URL; a file's relative path starts at the settings file."""
    if url.startswith(POSTGRESQL):
        return url
    return f"{SQLITE}{folder / url.removeprefix(SQLITE)}"
