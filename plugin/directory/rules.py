"""What the directory may do on its own when a token names somebody who is not stored yet."""

from dataclasses import dataclass

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.budgets.limits import BudgetTemplate
from gatepass.rbac.models import compile_models


@dataclass(frozen=True, slots=True)
class RowDefaults:
    """What a row made by upsert starts with.

    `budget` None is no limit. `models` are patterns as in gatepass.rbac.models; None stands for all
    models, because the role and the team bind the row as well, and an empty tuple for none.

    Raises:
        ConfigurationError: a pattern that cannot be one.

    """

    budget: BudgetTemplate | None = None
    models: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        try:
            compile_models(self.models or ())
        except ValueError as error:
            raise ConfigurationError([f"models: {error}"]) from error


NO_DEFAULTS = RowDefaults()


@dataclass(frozen=True, slots=True)
class DirectoryRules:
    """Whether unknown users and teams are made on the spot, and how; closed unless said."""

    user_upsert: bool = False
    team_upsert: bool = False
    user_defaults: RowDefaults = NO_DEFAULTS
    team_defaults: RowDefaults = NO_DEFAULTS
