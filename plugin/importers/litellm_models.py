"""LiteLLM's models: prices, access groups and aliases of the file, and names in somebody's list.

What a role or a scope may use is compared name by name there. An entry that would stand for several
models here is left out, as it grants none there, and a person decides.
"""

from collections.abc import Container, Sequence
from decimal import Decimal

from gatepass.plugin.importers.keys import Keys
from gatepass.plugin.importers.verdicts import Notes
from gatepass.rbac.catalog import is_plain_model

_PER_MILLION = Decimal(1_000_000)


def read_prices(models: list[Keys]) -> tuple[list[dict[str, object]], dict[str, list[str]]]:
    """Return our prices, and the access groups; of several entries of a model the first counts."""
    prices: dict[str, dict[str, object]] = {}
    groups: dict[str, list[str]] = {}
    for entry in models:
        name, info = entry.text("model_name"), entry.below("model_info")
        given, params = info, entry.below("litellm_params")
        if name is None:
            continue
        for group in info.texts("access_groups") or ():
            members = groups.setdefault(group, [])
            if name not in members:
                members.append(name)
                info.notes.exact(info.name("access_groups"), "access_groups")
        if params.has("input_cost_per_token"):
            given = params
        if not given.has("input_cost_per_token") or name in prices:
            continue
        price = _price(name, given, info)
        if price is not None:
            prices[name] = price
    return list(prices.values()), groups


def _price(name: str, given: Keys, info: Keys) -> dict[str, object] | None:
    cost_in, cost_out = given.number("input_cost_per_token"), given.number("output_cost_per_token")
    longest = info.number("max_output_tokens")
    if longest is None:
        longest = info.number("max_tokens")
    if cost_in is None or cost_out is None or longest is None:
        given.notes.manual(
            given.name("input_cost_per_token"),
            "left out: a price needs output_cost_per_token and model_info.max_output_tokens too",
            "budgets.prices",
        )
        return None
    given.notes.exact(given.name("input_cost_per_token"), "budgets.prices")
    return {
        "model": name,
        "input": _dollars(cost_in),
        "output": _dollars(cost_out),
        "max_output_tokens": int(longest),
    }


def _dollars(per_token: Decimal) -> str:
    return f"${round(per_token * _PER_MILLION, 9).normalize():f}"


def read_aliases(router: Keys, service: Keys) -> dict[str, str]:
    """Return the names that stand for other models."""
    aliases: dict[str, str] = {}
    for keys, key in ((router, "model_group_alias"), (service, "model_alias_map")):
        below = keys.below(key)
        for alias in list(below.names_left()):
            if below.is_mapping(alias):
                target = below.below(alias).text("model")
            else:
                target = below.text(alias)
            if target is not None:
                aliases[alias] = target
                keys.notes.exact(below.name(alias), f"model_aliases.{alias}")
    return aliases


def read_names(
    listed: Sequence[str], groups: Container[str], key: str, setting: str, notes: Notes
) -> list[str]:
    """Return the entries of a list that name one model; each other one is noted, and left out."""
    names = []
    for at, entry in enumerate(listed):
        if is_plain_model(entry) and entry not in groups:
            names.append(entry)
        else:
            notes.manual(
                f"{key}[{at}]",
                "compared with the name of a model there, and grants none; here it would stand for "
                "several, so it is left out: add it if that is meant",
                setting,
            )
    return names
