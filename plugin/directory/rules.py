"""What the directory may do on its own when a token says something that is not stored yet."""

from dataclasses import dataclass

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.rbac.linking import LinkRules
from gatepass.rbac.models import compile_models
from gatepass.rbac.roles import Role


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
NO_ADDRESSES = LinkRules()
"""Nobody is trusted with addresses, so none links."""


@dataclass(frozen=True, slots=True)
class DirectoryRules:
    """Whom the directory may link, make and change on its own, and how; closed unless said.

    `team_member_budget` is the share of each member of a team made by upsert. `user_role` and
    `user_teams` are what a user made by upsert starts with beside `user_defaults`.
    `sync_role` and `sync_teams` keep a person's role and memberships as their tokens say them.
    """

    user_upsert: bool = False
    team_upsert: bool = False
    end_user_upsert: bool = False
    user_defaults: RowDefaults = NO_DEFAULTS
    team_defaults: RowDefaults = NO_DEFAULTS
    end_user_defaults: RowDefaults = NO_DEFAULTS
    team_member_budget: BudgetTemplate | None = None
    user_role: Role | None = None
    user_teams: tuple[str, ...] = ()
    sync_role: bool = False
    sync_teams: bool = False
    linking: LinkRules = NO_ADDRESSES
