"""How LiteLLM counts money, and which limits it asks: our section `budgets` but for the prices.

There, what is left of a budget is reserved for a call, and a person's own budget does not hold when
a team pays; each of these is a setting here.
"""

from gatepass.plugin.importers.keys import Keys
from gatepass.plugin.importers.litellm_keys import LIMITS
from gatepass.plugin.importers.litellm_people import read_budget


def read_limits(general: Keys, service: Keys) -> dict[str, object]:
    """Return what the settings of the service say about budgets."""
    limits = {
        "admission": _admission(general),
        "user_limit_when_team_pays": _user_limit(general),
    }
    limit, window = service.number("max_budget"), service.text("budget_duration")
    if limit is not None:
        limits["proxy"] = read_budget(service, "max_budget", limit, window, "budgets.proxy")
    elif window is not None:
        name = service.name("budget_duration")
        general.notes.exact(name, "", "means nothing without max_budget")
    for key, sentence in LIMITS.items():
        if service.drop(key):
            general.notes.manual(service.name(key), sentence)
    return dict(limits)


def _admission(general: Keys) -> str:
    notes, setting = general.notes, "budgets.admission"
    if general.flag("disable_budget_reservation"):
        notes.exact(general.name("disable_budget_reservation"), setting)
        return "after"
    notes.changed(
        "(what is left of a budget is reserved)",
        setting,
        "a limit that is reached refuses, also where it is equal; a model without a price is "
        "refused to callers with a limit, unless budgets.free_models names it",
    )
    return "fit"


def _user_limit(general: Keys) -> str:
    key, setting = "apply_user_budget_to_team_keys", "budgets.user_limit_when_team_pays"
    if general.has(key):
        general.notes.exact(general.name(key), setting)
    return "all" if general.flag(key) else "without_team"
