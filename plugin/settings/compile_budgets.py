"""What the settings of budgets mean: prices, which limits apply, and the rules of an engine."""

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from gatepass.plugin.alerts.rules import AlertRules
from gatepass.plugin.budgets.applicable import LimitRules
from gatepass.plugin.budgets.engine import EngineRules, Unsettled
from gatepass.plugin.budgets.engines import EngineKind
from gatepass.plugin.budgets.estimates import PriceRules
from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.metering.price_table import PriceTable
from gatepass.rbac.providers import PROVIDERS
from gatepass.rbac.spellings import PLAIN_SPELLINGS, Spellings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatepass.plugin.settings.budgets import BudgetSettings
    from gatepass.plugin.settings.model import Settings
    from gatepass.plugin.settings.model_budgets import ModelBudgetSettings

_PROXY = "proxy"
_NO_PROVIDERS: "Mapping[str, tuple[str, ...]]" = MappingProxyType({})


def compile_prices(settings: "BudgetSettings") -> PriceRules:
    """Return what models cost, and what holds for those without a price."""
    published = None
    if settings.published_prices and settings.engine is not EngineKind.NONE:
        # it takes a quarter of a second to load: not where nobody asks for a price
        from gatepass.plugin.metering.published_prices import GenaiPrices  # noqa: PLC0415

        published = GenaiPrices(settings.max_output_tokens)
    return PriceRules(
        table=PriceTable([price.to_entry() for price in settings.prices], published),
        unknown=settings.unknown_models,
        free_models=frozenset(settings.free_models),
        free_output_tokens=settings.max_output_tokens,
    )


def compile_limits(
    settings: "BudgetSettings", providers: "Mapping[str, tuple[str, ...]]" = _NO_PROVIDERS
) -> LimitRules:
    """Return which limits apply; durations of the whole deployment count from the epoch.

    `providers` are those of the settings, by whose names models go too.
    """
    proxy = with_models(settings.proxy, settings.proxy_models)
    return LimitRules(
        proxy=None if proxy is None else proxy.begin(_PROXY, 0),
        user_limit=settings.user_limit_when_team_pays,
        spellings=Spellings({**PROVIDERS, **providers}) if providers else PLAIN_SPELLINGS,
    )


def compile_alerts(settings: "BudgetSettings") -> AlertRules | None:
    """Return who is told of thresholds, or None."""
    alerts = settings.alerts
    if alerts is None:
        return None
    return AlertRules(alerts.url, alerts.secret.encode(), tuple(alerts.thresholds))


def compile_engine_rules(settings: "Settings") -> EngineRules:
    """Return how an engine counts; every call is written down where usage is reported."""
    budgets = settings.budgets
    metered = settings.doors.kong is not None or settings.doors.http.usage_token is not None
    return EngineRules(
        admission=budgets.admission,
        unsettled=budgets.unsettled or (Unsettled.RELEASE if metered else Unsettled.CHARGE),
        reservation_timeout_seconds=budgets.reservation_timeout,
        records_all=metered and budgets.engine is not EngineKind.NONE,
    )


def with_models(
    budget: BudgetTemplate | None, entries: "Sequence[ModelBudgetSettings]"
) -> BudgetTemplate | None:
    """Return one budget of both, each limit with its own window; None where there is neither."""
    if not entries:
        return budget
    limits = [
        replace(limit, model=entry.model, window=entry.budget.window)
        for entry in entries
        for limit in entry.budget.limits
    ]
    whole = budget or BudgetTemplate(())
    return BudgetTemplate((*whole.limits, *limits), whole.window)
