"""The options of a command about a row become its fields, or sentences about what is wrong."""

from collections.abc import Iterable, Mapping

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.declared.field_values import READERS, Read, joined
from gatepass.plugin.declared.rows import DEFAULTS, NONE, Fields, Kind
from gatepass.plugin.settings.problems import BadValue, did_you_mean

_OPTIONS = {
    "model_aliases": "--model-alias",
    "model_budgets": "--model-budget",
    "model_limits": "--model-budget",
}
"""Options that may repeat have the name of one."""


def fields_of(kind: Kind, options: Mapping[str, object], clear: Iterable[str] = ()) -> Fields:
    """Return the fields that options say; those that are None were not given.

    Raises:
        ConfigurationError: an option holds what cannot be, or says what another one says.

    """
    readers, found, problems = READERS[kind], dict[str, Read](), list[str]()
    for name, value in options.items():
        if value is None:
            continue
        option = _OPTIONS.get(name, f"--{name.replace('_', '-')}")
        field, check = readers[name]
        if field in found:
            problems.append(f"{option}: says the same as another option; give one of them")
            continue
        try:
            found[field] = check(_plain(name, value))
        except BadValue as wrong:
            problems += [f"{option}: {finding.sentence}" for finding in wrong.findings]
    for name in clear:
        field = readers[name][0] if name in readers else ""
        if field not in DEFAULTS[kind] or DEFAULTS[kind][field] is not None:
            can = [one for one, (of, _) in readers.items() if DEFAULTS[kind].get(of, "") is None]
            problems.append(f"--clear: {did_you_mean(name, can) or 'possible: ' + ', '.join(can)}")
        elif field in found:
            problems.append(f"--clear: {name} is given a value as well")
        else:
            found[field] = None
    try:
        fields = joined(found)
    except BadValue as wrong:
        problems += [f"--model-budget: {finding.sentence}" for finding in wrong.findings]
    if problems:
        raise ConfigurationError(problems)
    return fields


def _plain(name: str, value: object) -> object:
    """Return a value as it would stand in a file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    # an option cannot hold an empty list
    if name == "models" and isinstance(value, list):
        return {("all",): "all", (NONE,): []}.get(tuple(value), value)
    if name in {"model_aliases", "model_budgets", "model_limits"} and isinstance(value, list):
        return dict(_pair(text) for text in value)
    return value


def _pair(text: str) -> tuple[str, str]:
    name, equals, model = text.partition("=")
    if not equals:
        raise BadValue("write NAME=VALUE, such as fast=gpt-4o-mini or 'gpt-4o*=$5 per day'")
    return name, model
