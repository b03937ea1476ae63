"""The members of requests that say a budget, in the peer's words where it has them."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from gatepass.plugin.admin.limits import AMOUNTS, SaidLimits, merged, whole_limits
from gatepass.plugin.admin.values import Body, Count, Dollars, Duration, Id, ModelPattern, Moment
from gatepass.plugin.directory.changes.faults import ChangeFault, ChangeRefused
from gatepass.plugin.directory.changes.money import BudgetSetting, NamedBudget
from gatepass.plugin.directory.changes.records import BudgetRecord
from gatepass.rbac.budgets import MAX_MODELS_PER_BUDGET, Limit, Raise

_DURATION = (
    "How long until it counts anew: a duration such as 30d from now on, or a day, week, month, "
    "quarter or year of the calendar, such as `month in Europe/Berlin`; null: never."
)


class ModelLimits(Body):
    """What may be used of the models of one pattern; the window is the budget's unless said."""

    max_budget: Dollars | None = None
    soft_budget: Dollars | None = None
    max_tokens: Count | None = None
    max_requests: Count | None = None
    budget_duration: Duration | None = None

    def limits(self, model: str) -> tuple[Limit, ...]:
        """Return the limits of a model pattern.

        Raises:
            ChangeRefused: BAD_VALUE when there is none.

        """
        said = AMOUNTS.keys() & type(self).model_fields.keys()
        limits = whole_limits((), {name: getattr(self, name) for name in said})
        if not limits:
            raise ChangeRefused(ChangeFault.BAD_VALUE, "model_max_budget")
        return tuple(replace(limit, model=model, window=self.budget_duration) for limit in limits)


class OwnLimitBody(Body):
    """Limits of a budget; null takes one away, what is left out stays."""

    max_budget: Annotated[
        Dollars | None, Field(default=None, description="Dollars.", examples=["50.00"])
    ]
    soft_budget: Annotated[
        Dollars | None, Field(default=None, description="Dollars; refuses nothing, is told of.")
    ]
    max_tokens: Count | None = None
    soft_tokens: Count | None = None
    max_requests: Count | None = None
    soft_requests: Count | None = None
    budget_duration: Annotated[
        Duration | None, Field(default=None, description=_DURATION, examples=["30d"])
    ]
    model_max_budget: Annotated[
        dict[ModelPattern, ModelLimits] | None,
        Field(
            default=None,
            max_length=MAX_MODELS_PER_BUDGET,
            description="Further limits, by model pattern.",
        ),
    ]
    temp_budget_increase: Annotated[
        Dollars | None, Field(default=None, description="Dollars more, until the expiry.")
    ]
    temp_budget_expiry: Moment | None = None

    def said_limits(self) -> SaidLimits:
        """Return what is said of limits.

        Raises:
            ChangeRefused: BAD_VALUE for an increase without an expiry, or the other way round.

        """
        raised = None
        if self.temp_budget_increase is not None and self.temp_budget_expiry is not None:
            raised = Raise(until=self.temp_budget_expiry, nano=self.temp_budget_increase)
        elif self.temp_budget_increase != self.temp_budget_expiry:
            raise ChangeRefused(ChangeFault.BAD_VALUE, "temp_budget_expiry")
        of_models = None
        if self.says("model_max_budget"):
            several = (self.model_max_budget or {}).items()
            of_models = tuple(limit for name, one in several for limit in one.limits(name))
        return SaidLimits(
            amounts={name: getattr(self, name) for name in AMOUNTS if self.says(name)},
            says_window=self.says("budget_duration"),
            window=self.budget_duration,
            of_models=of_models,
            says_raise=self.says("temp_budget_increase", "temp_budget_expiry"),
            raised=raised,
        )

    def says_own_limit(self) -> bool:
        """Answer whether the body says anything of a limit of the row's own."""
        return self.says(*OwnLimitBody.model_fields)


class LimitBody(OwnLimitBody):
    """A budget of the row's own, or the id of a named one."""

    budget_id: Annotated[
        Id | None,
        Field(default=None, description="A named budget in place of limits of its own."),
    ]

    def limit(self, current: BudgetRecord | None = None) -> BudgetSetting:
        """Return what the budget is to be, where one of the members is said.

        Raises:
            ChangeRefused: BAD_VALUE when they do not go together.

        """
        if not self.says("budget_id"):
            return merged(current, self.said_limits())
        if self.says_own_limit():
            raise ChangeRefused(ChangeFault.BAD_VALUE, "budget_id")
        return None if self.budget_id is None else NamedBudget(self.budget_id)

    def says_limit(self) -> bool:
        """Answer whether the body says anything of a budget."""
        return self.says("budget_id") or self.says_own_limit()
