"""The settings of budgets: who counts, what is let through, what models cost, overdue bills."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from gatepass.plugin.budgets.applicable import UserLimit
from gatepass.plugin.budgets.arithmetic import Admission
from gatepass.plugin.budgets.engine import Unsettled
from gatepass.plugin.budgets.engines import EngineKind
from gatepass.plugin.budgets.estimates import UnknownModels
from gatepass.plugin.settings.alerts import AlertSettings
from gatepass.plugin.settings.fields import (
    AnyNumber,
    BudgetText,
    Count,
    Flag,
    ModelName,
    Time,
)
from gatepass.plugin.settings.model_budgets import ModelBudgetSettings, repeated_models
from gatepass.plugin.settings.prices import PriceSettings
from gatepass.plugin.settings.problems import Finding, repeated
from gatepass.plugin.settings.section import Section
from gatepass.plugin.settings.values import to_one_of
from gatepass.rbac.budgets import MAX_MODELS_PER_BUDGET


def _names(kinds: type[StrEnum]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": [kind.value for kind in kinds]})


_Engine = Annotated[EngineKind, PlainValidator(to_one_of(EngineKind)), _names(EngineKind)]
_Admission = Annotated[Admission, PlainValidator(to_one_of(Admission)), _names(Admission)]
_Unsettled = Annotated[Unsettled, PlainValidator(to_one_of(Unsettled)), _names(Unsettled)]
_UserLimit = Annotated[UserLimit, PlainValidator(to_one_of(UserLimit)), _names(UserLimit)]
_UnknownModels = Annotated[
    UnknownModels, PlainValidator(to_one_of(UnknownModels)), _names(UnknownModels)
]


class BudgetSettings(Section):
    """Budgets: who counts, what is let through, what models cost, and when bills are overdue."""

    engine: _Engine = Field(
        default=EngineKind.MEMORY,
        json_schema_extra={"default": EngineKind.MEMORY.value},
        description="memory counts in process; sql counts in the database and redis in "
        "stores.redis, for several processes; none counts nothing and refuses every caller with a "
        "limit.",
    )
    proxy: BudgetText | None = Field(
        default=None,
        description="The budget of the whole deployment, such as $10000 per month in "
        "Europe/Berlin; a duration counts from 1970 on.",
    )
    proxy_models: tuple[ModelBudgetSettings, ...] = Field(
        default=(),
        max_length=MAX_MODELS_PER_BUDGET,
        description="Budgets of the whole deployment for some models.",
    )
    admission: _Admission = Field(
        default=Admission.STRICT,
        json_schema_extra={"default": Admission.STRICT.value},
        description="What a call must leave room for. strict: what it can cost at most has to fit "
        "into what is left. fit: something has to be left, and is reserved; calls under way may go "
        "over it. after: what is already charged has to be below the limit; nothing is reserved.",
    )
    user_limit_when_team_pays: _UserLimit = Field(
        default=UserLimit.ALL,
        json_schema_extra={"default": UserLimit.ALL.value},
        description="all: a person's own budget always applies. without_team: only to calls "
        "for which no team pays; the share of a member in a team always applies.",
    )
    unknown_models: _UnknownModels = Field(
        default=UnknownModels.REFUSE,
        json_schema_extra={"default": UnknownModels.REFUSE.value},
        description="What becomes of a model without a price where money or tokens are limited: "
        "refuse it, or price it like the dearest model that has a price.",
    )
    free_models: AnyNumber[ModelName] = Field(
        default=(), description="Names of models without a price that cost nothing."
    )
    reservation_timeout: Time = Field(
        default=600,
        description="How long after a request its cost may be reported; then the reservation is "
        "overdue. A duration.",
    )
    unsettled: _Unsettled | None = Field(
        default=None,
        description="How an overdue reservation ends: charge what was estimated, or release it. By "
        "default release where usage is reported (doors.kong, or doors.http.usage_token), else "
        "charge.",
    )
    prices: tuple[PriceSettings, ...] = Field(
        default=(), description="Your own prices, which hide those that are published."
    )
    published_prices: Flag = Field(
        default=True,
        description="Know the prices that providers publish, as the library genai-prices has them.",
    )
    max_output_tokens: Count = Field(
        default=131_072,
        description="The most tokens of one answer of a model whose price is published, where its "
        "context window is not smaller.",
    )

    alerts: AlertSettings | None = Field(
        default=None, description="Who is told that a limit is nearly used up; nobody by default."
    )

    def cross_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        """Yield the entries that would never count."""
        if "proxy_models" in right:
            yield from repeated_models("proxy_models", self.proxy_models)
        if {"engine", "alerts"} <= right and self.alerts and self.engine is EngineKind.NONE:
            yield Finding(("alerts",), "nothing is counted, so nobody can be told")
        if "prices" in right:
            yield from repeated(
                [
                    (("prices", index), (price.model, price.since))
                    for index, price in enumerate(self.prices)
                ],
                "the same model stands in an entry above",
            )
