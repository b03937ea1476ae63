"""From settings to the values that the gate works with: one function per part of `Compiled`.

Everything that can be wrong was found when the settings were made (section.py, grammar.py). What
was put together another way, around those checks, is refused here too, with less detail. Nothing is
fetched, opened or started.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from gatepass.jwks.errors import ConfigurationError
from gatepass.jwks.fetch import Fetcher, HttpFetcher
from gatepass.jwks.keeper import Freshness
from gatepass.jwks.rules import IssuerRules
from gatepass.jwks.source import DiscoveredKeys, FileKeys, InlineKeys, KeySource, UrlKeys
from gatepass.jwks.verifier import Issuer
from gatepass.plugin.custom_check import CustomCheck, load_check
from gatepass.plugin.groups_resolver import GroupsResolver, load_resolver
from gatepass.plugin.headers import fold_name
from gatepass.plugin.metering.prices import PriceEntry, PriceTable
from gatepass.plugin.settings.compile_directory import compile_directory
from gatepass.plugin.settings.compile_doors import apisix_door, http_door, kong_door
from gatepass.plugin.settings.compile_policy import compile_policy
from gatepass.plugin.settings.compiled import Compiled, HttpDoor, IdentityHeaders
from gatepass.plugin.settings.database_url import POSTGRESQL, SQLITE

if TYPE_CHECKING:
    from gatepass.plugin.settings.budgets import BudgetSettings
    from gatepass.plugin.settings.issuers import IssuerSettings
    from gatepass.plugin.settings.model import CheckSettings, HeaderSettings, Settings

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
    try:
        return Compiled(
            policy=compile_policy(settings),
            issuers=tuple(_issuer(issuer, origin.folder, fetcher) for issuer in settings.issuers),
            identity_headers=_identity_headers(settings.headers),
            token_headers=tuple(name.encode() for name in settings.token_headers),
            team_header=settings.teams.header.encode() if settings.teams.header else None,
            prices=_prices(settings.budgets),
            directory=compile_directory(settings),
            budget_engine=settings.budgets.engine,
            reservation_timeout_seconds=settings.budgets.reservation_timeout,
            http=http_door(settings.doors.http),
            kong=kong_door(settings.doors.kong),
            apisix=apisix_door(settings.doors.apisix),
            workers=settings.doors.workers,
            database=_database(settings.stores.database, origin.folder),
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


def _issuer(settings: "IssuerSettings", folder: Path, fetcher: Fetcher | None) -> Issuer:
    rules = IssuerRules(
        issuer=settings.issuer,
        audiences=frozenset(settings.audience),
        algorithms=frozenset(settings.algorithms),
        token_types=frozenset(
            kind.lower().removeprefix("application/") for kind in settings.token_types
        ),
        absent_type_allowed=not settings.typ_required,
        type_claims={
            name: frozenset(value.lower() for value in values)
            for name, values in settings.type_claims.items()
        },
        leeway_seconds=settings.leeway,
        max_lifetime_seconds=settings.max_lifetime,
        allow_padding=settings.allow_padding,
        unsafe_any_audience=settings.unsafe_any_audience,
    )
    freshness = Freshness(
        refresh_seconds=settings.refresh,
        min_refetch_seconds=settings.min_refetch,
        max_stale_seconds=settings.max_stale,
    )
    return Issuer(rules, _source(settings, folder, fetcher), freshness)


def _source(settings: "IssuerSettings", folder: Path, fetcher: Fetcher | None) -> KeySource:
    if settings.jwks is not None:
        return InlineKeys(settings.jwks)
    if settings.jwks_file is not None:
        return FileKeys(folder / settings.jwks_file)
    if fetcher is None:
        fetcher = HttpFetcher(
            timeout_seconds=settings.fetch_timeout, allow_http_loopback=settings.allow_http_loopback
        )
    if settings.jwks_uri is not None:
        return UrlKeys(settings.jwks_uri, fetcher)
    return DiscoveredKeys(
        settings.issuer,
        fetcher,
        allowed_hosts=frozenset(settings.jwks_hosts),
        allow_http_loopback=settings.allow_http_loopback,
    )


def _identity_headers(settings: "HeaderSettings") -> IdentityHeaders:
    return IdentityHeaders(
        user=settings.user.encode(),
        team=settings.team.encode(),
        role=settings.role.encode(),
        organization=settings.organization.encode(),
        end_user=settings.end_user.encode(),
        reserved=frozenset(fold_name(name.encode()) for name in settings.reserved),
    )


def _custom_check(settings: "CheckSettings") -> CustomCheck | None:
    if settings.custom is None:
        return None
    return CustomCheck(load_check(settings.custom), settings.deadline)


def _prices(settings: "BudgetSettings") -> PriceTable:
    return PriceTable(
        [
            PriceEntry(price.model, price.input, price.output, price.max_output_tokens)
            for price in settings.prices
        ]
    )


def _database(url: str, folder: Path) -> str:
    """Return the URL; a file's relative path starts at the settings file."""
    if url.startswith(POSTGRESQL):
        return url
    return f"{SQLITE}{folder / url.removeprefix(SQLITE)}"
