"""Who may issue tokens, and what can only be wrong about several who may."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatepass.jwks.errors import ConfigurationError
from gatepass.jwks.freshness import DEFAULT_FRESHNESS, Freshness
from gatepass.jwks.introspection import Introspection
from gatepass.jwks.opaque import overlaps
from gatepass.jwks.rules import IssuerRules
from gatepass.jwks.source import KeySource


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who may issue tokens: the rules for them, and where the keys come from and how often.

    In `keys_folder` the last good keys outlive the process. With `introspection` the issuer is
    asked about its opaque tokens; `source` may be None then, and no JWT of this issuer passes.
    """

    rules: IssuerRules
    source: KeySource | None
    freshness: Freshness = DEFAULT_FRESHNESS
    keys_folder: Path | None = None
    introspection: Introspection | None = None


def check_issuers(issuers: Sequence[Issuer]) -> None:
    """Let issuers pass that can be told from each other.

    Raises:
        ConfigurationError: naming everything that can only be wrong.

    """
    problems = [] if issuers else ["issuers: name at least one"]
    names = [issuer.rules.issuer for issuer in issuers]
    problems += [
        f"issuers[{place}].issuer: the same as issuers[{names.index(name)}].issuer"
        for place, name in enumerate(names)
        if names.index(name) < place
    ]
    problems += _introspection_problems(issuers)
    if problems:
        raise ConfigurationError(problems)


def _introspection_problems(issuers: Sequence[Issuer]) -> Iterator[str]:
    prefixes: list[str] = []
    for place, issuer in enumerate(issuers):
        if issuer.introspection is None:
            if issuer.source is None:
                yield f"issuers[{place}]: has neither keys nor introspection"
            continue
        where = f"issuers[{place}].introspection"
        if issuer.rules.templated:
            yield f"{where}: not for an issuer of many tenants"
        prefix = issuer.introspection.token_prefix
        if overlaps(prefix, prefixes):
            yield f"{where}.token_prefix: cannot be told from that of an issuer before it"
        prefixes.append(prefix)
