"""What proofs of a key must look like, and where clients reach us: plain values (RFC 9449)."""

import re
from dataclasses import dataclass
from typing import Final

from gatepass.jwks.errors import ConfigurationError
from gatepass.jwks.rules import ALGORITHMS

MAX_PROOF_AGE_SECONDS: Final = 300
MAX_PROOF_LEEWAY_SECONDS: Final = 60

_URL: Final = re.compile(
    r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?(/[^?#]*)?(?:[?#].*)?",
    re.IGNORECASE | re.ASCII | re.DOTALL,
)
_USUAL_PORTS: Final = {"http": "80", "https": "443"}


def normal_url(url: str) -> str | None:
    """Return a URL without query and fragment, in the one spelling of RFC 3986 section 6.2.3.

    None for what is no URL of http or https, or names a user. The path stays as it is.
    """
    found = _URL.fullmatch(url)
    if found is None:
        return None
    scheme, host, port, path = found.groups()
    scheme = scheme.lower()
    written = "" if port is None or port == _USUAL_PORTS[scheme] else f":{port}"
    return f"{scheme}://{host.lower()}{written}{path or '/'}"


@dataclass(frozen=True, slots=True)
class ProofRules:
    """What proofs must look like.

    `external_urls` are the addresses of the gateway as its clients write them; what stands in front
    of the path that the gateway routes on is a part of them. `max_proofs` is how many used ones are
    remembered.

    Raises:
        ConfigurationError: naming everything that can only be wrong.

    """

    external_urls: tuple[str, ...]
    algorithms: frozenset[str] = ALGORITHMS
    max_age_seconds: int = 60
    leeway_seconds: int = 10
    max_proofs: int = 100_000

    def __post_init__(self) -> None:
        problems = []
        if not self.external_urls:
            problems.append("external_urls: name at least one, or no proof would pass")
        for place, url in enumerate(self.external_urls):
            if normal_url(url) is None or "?" in url or "#" in url:
                problems.append(f"external_urls[{place}]: not a URL of http or https without query")
        if not self.algorithms:
            problems.append("algorithms: name at least one; an empty list accepts nothing")
        if not self.algorithms <= ALGORITHMS:
            problems.append(f"algorithms: possible: {', '.join(sorted(ALGORITHMS))}")
        if not 0 < self.max_age_seconds <= MAX_PROOF_AGE_SECONDS:
            problems.append(f"max_age: must be from 1 to {MAX_PROOF_AGE_SECONDS} seconds")
        if not 0 <= self.leeway_seconds <= MAX_PROOF_LEEWAY_SECONDS:
            problems.append(f"leeway: must be from 0 to {MAX_PROOF_LEEWAY_SECONDS} seconds")
        if not self.max_proofs > 0:
            problems.append("max_proofs: must be positive")
        if problems:
            raise ConfigurationError(problems)
