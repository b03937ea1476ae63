"""What it takes to ask an issuer about its opaque tokens, and how that goes: plain values.

The asking itself is the introspector's part.
"""

import math
from dataclasses import dataclass

from gatepass.jwks.errors import ConfigurationError
from gatepass.jwks.fetcher import Fetcher
from gatepass.jwks.introspection_endpoint import Endpoint
from gatepass.jwks.introspection_request import Client
from gatepass.jwks.opaque import prefix_problem


@dataclass(frozen=True, slots=True)
class Introspection:
    """How an issuer is asked about its opaque tokens.

    `token_prefix` is what they all begin with; one issuer may leave it empty. An answer is kept for
    `cache_seconds`, a refusal for `refused_seconds`.

    Raises:
        ConfigurationError: naming everything that can only be wrong.

    """

    endpoint: Endpoint
    client: Client
    fetcher: Fetcher
    token_prefix: str = ""
    cache_seconds: float = 30.0
    refused_seconds: float = 10.0
    max_per_second: int = 100
    max_in_flight: int = 32

    def __post_init__(self) -> None:
        problems = []
        wrong = prefix_problem(self.token_prefix) if self.token_prefix else None
        if wrong is not None:
            problems.append(f"token_prefix: {wrong}")
        if not 0 <= self.cache_seconds < math.inf:
            problems.append("cache: must not be negative or endless")
        if not 0 < self.refused_seconds < math.inf:
            problems.append("inactive_cache: must be positive")
        if self.max_per_second < 1:
            problems.append("max_per_second: must be positive")
        if self.max_in_flight < 1:
            problems.append("max_in_flight: must be positive")
        if problems:
            raise ConfigurationError(problems)


@dataclass(frozen=True, slots=True)
class IntrospectionStatus:
    """How asking one issuer about tokens goes: numbers and fixed words.

    Of the questions `asked`, `refused` were answered with no, or with what does not pass the rules;
    `unanswered` had no answer that counts; `held_back` were never sent. `failures` counts those in
    a row that concerned every token; `last_error` is None after an answer.
    """

    issuer: str
    asked: int
    refused: int
    unanswered: int
    held_back: int
    in_flight: int
    failures: int
    last_error: str | None
