"""What the settings of people, teams and end users mean to the directory."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gatepass.jwks.tenants import is_template, tenant_issuer
from gatepass.plugin.directory.rules import DirectoryRules, RowDefaults
from gatepass.plugin.settings.compile_budgets import with_models
from gatepass.plugin.settings.compile_policy import only_these
from gatepass.rbac.linking import LinkRules

if TYPE_CHECKING:
    from gatepass.plugin.settings.issuers import IssuerSettings
    from gatepass.plugin.settings.model import Settings
    from gatepass.plugin.settings.people import RowDefaultSettings


def compile_directory(settings: "Settings") -> DirectoryRules:
    """Return what the directory may do on its own."""
    users = settings.users
    return DirectoryRules(
        user_upsert=users.upsert,
        team_upsert=settings.teams.upsert,
        end_user_upsert=settings.end_users.upsert,
        user_defaults=_row_defaults(users.defaults),
        team_defaults=_row_defaults(settings.teams.defaults),
        team_member_budget=settings.teams.defaults.member_budget,
        end_user_defaults=_row_defaults(settings.end_users.defaults),
        user_role=users.defaults.role,
        user_teams=tuple(dict.fromkeys(users.defaults.teams)),
        sync_role=users.sync_role,
        sync_teams=users.sync_teams,
        linking=LinkRules(
            policy=users.link,
            email_issuers=frozenset(
                name
                for issuer in settings.issuers
                if issuer.email_trusted
                for name in _names(issuer)
            ),
            email_domains=only_these(users.email_domains),
        ),
    )


def _names(issuer: "IssuerSettings") -> Iterable[str]:
    """Return the issuer's name, or one for each of its tenants that is named."""
    if not is_template(issuer.issuer):
        return (issuer.issuer,)
    return (tenant_issuer(issuer.issuer, tenant) for tenant in issuer.tenants)


def _row_defaults(settings: "RowDefaultSettings") -> RowDefaults:
    budget = with_models(settings.budget, settings.model_budgets)
    return RowDefaults(budget, None if settings.models == "all" else settings.models)
