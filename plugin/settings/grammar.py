"""Checks of the values that rbac/ and jwks/ compile: their own compilers are asked.

So there is one grammar of routes, model patterns, claim names and key sets, and what passes here
compiles later. The messages of those compilers are fixed sentences; they never repeat the value.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationInfo

from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.jwks.faults import KeyFault
from gatepass.jwks.keyset import parse_key_set
from gatepass.plugin.settings.problems import BadValue, Finding, did_you_mean
from gatepass.plugin.settings.values import to_text
from gatepass.rbac.catalog import is_plain_model
from gatepass.rbac.claims import compile_claim_path
from gatepass.rbac.models import ALL_TEAM_MODELS, SPECIAL_NAMES, compile_models
from gatepass.rbac.route_groups import ROUTE_GROUPS
from gatepass.rbac.routes import compile_routes

ModelChoice = Literal["all"] | tuple[str, ...]
"""Every model, or those that match a pattern; there is no list that means all of them."""

_GROUP_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_HARMLESS_FAULTS = frozenset({KeyFault.NOT_FOR_SIGNATURES, KeyFault.UNSUPPORTED})
"""Keys for other purposes lie in many published sets; whoever copies one need not clean it."""


@dataclass(frozen=True, slots=True)
class GroupNames:
    """The route groups that there are: context for reading the entries of route lists."""

    names: frozenset[str]


def to_claim_name(value: object) -> str:
    """Return the name of a claim, or the path to one."""
    name = to_text(value)
    try:
        compile_claim_path(name)
    except ValueError as wrong:
        raise BadValue(str(wrong)) from wrong
    return name


def to_group_name(value: object) -> str:
    """Return the name of a route group of the deployment's own."""
    name = to_text(value)
    if not _GROUP_NAME.fullmatch(name):
        raise BadValue("the name of a group has letters, digits, _ and -, and begins with a letter")
    if name in ROUTE_GROUPS:
        raise BadValue("is a built-in route group; choose another name")
    return name


def to_group_member(value: object) -> str:
    """Return a route as a route group holds it: no name of another group."""
    route = to_text(value)
    if _GROUP_NAME.fullmatch(route):
        raise BadValue("a route starts with /; a group cannot hold the names of other groups")
    _compile_route(route)
    return route


def to_route(value: object, info: ValidationInfo) -> str:
    """Return a route or the name of a group, one that exists if the context tells which do."""
    route = to_text(value)
    if not _GROUP_NAME.fullmatch(route):
        _compile_route(route)
    elif isinstance(info.context, GroupNames) and route not in info.context.names:
        hint = did_you_mean(route, sorted(info.context.names))
        raise BadValue("there is no route group of this name" + hint)
    return route


def _compile_route(route: str) -> None:
    try:
        compile_routes((route,), {})
    except ValueError as wrong:
        raise BadValue(str(wrong)) from wrong


def to_pattern(value: object) -> str:
    """Return one pattern of model names."""
    pattern = to_text(value)
    if pattern.lower() == "all":
        raise BadValue('the word is "models: all", without a list and in lower case')
    try:
        compile_models((pattern,))
    except ValueError as wrong:
        raise BadValue(str(wrong)) from wrong
    return pattern


def to_listed_pattern(value: object) -> str:
    """Return one pattern of model names where the special names of a list mean nothing."""
    pattern = to_pattern(value)
    if pattern in SPECIAL_NAMES:
        raise BadValue("means something in the list of a role or a row, and nothing here")
    return pattern


def to_model_name(value: object) -> str:
    """Return the name of one model, or of what is used like one."""
    name = to_text(value)
    if not is_plain_model(name):
        raise BadValue("must be one name of at most 256 characters, without *")
    return name


def to_model_choice(value: object) -> ModelChoice:
    """Return "all", or the patterns of a list; one pattern stands for a list of one."""
    if value == "all":
        return "all"
    if not isinstance(value, list | tuple):
        return (to_pattern(value),)
    patterns, findings = [], []
    for index, entry in enumerate(value):
        try:
            patterns.append(to_pattern(entry))
        except BadValue as wrong:
            findings += [finding.below((index,)) for finding in wrong.findings]
    if findings:
        raise BadValue(*findings)
    try:
        compile_models(patterns)
    except ValueError as wrong:
        raise BadValue(str(wrong)) from wrong
    return tuple(patterns)


def to_rule_choice(value: object) -> ModelChoice:
    """Return what a list of a role or a scope says: there is no person in it to have a team."""
    choice = to_model_choice(value)
    if ALL_TEAM_MODELS in choice:
        raise BadValue("all-team-models means something only in the row of a user or a member")
    return choice


def to_key_set(value: object) -> bytes:
    """Return a JWK Set, written as YAML or as one JSON text, as the bytes of a JSON document."""
    if isinstance(value, str):
        document = value.encode("utf-8", "surrogatepass")  # the JSON parser refuses those
    elif isinstance(value, Mapping):
        try:
            document = json.dumps(_with_booleans(value)).encode()
        except TypeError as unknown:
            raise BadValue("holds something that is not JSON") from unknown
    else:
        raise BadValue("must be a JWK Set: {keys: [...]}")
    try:
        keys = parse_key_set(document)
    except KeySourceUnavailable as wrong:
        raise BadValue(f"not a usable JWK Set: {wrong.detail}") from wrong
    if keys.skipped.keys() & {KeyFault.PRIVATE, KeyFault.SYMMETRIC}:
        raise BadValue("holds a private or symmetric key; remove it here and withdraw it there")
    findings = [
        Finding((), f"holds a key that cannot be used: {fault.value.replace('_', ' ')}")
        for fault in sorted(keys.skipped.keys() - _HARMLESS_FAULTS)
    ]
    if not keys.keys and not findings:
        findings = [Finding((), "holds no key that verifies signatures")]
    if findings:
        raise BadValue(*findings)
    return document


def _with_booleans(value: object) -> object:
    """Return YAML text as JSON would have it: all members of a JWK are text, but for booleans."""
    if isinstance(value, Mapping):
        return {name: _with_booleans(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_with_booleans(member) for member in value]
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
