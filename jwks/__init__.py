"""Who signed this token, and is it still good? Stands alone: no other package of ours is needed.

What is named here is the public face; importing it opens nothing and loads no HTTP client.
"""

from gatepass.jwks.clock import SYSTEM_CLOCK, Clock, SystemClock
from gatepass.jwks.errors import (
    ConfigurationError,
    GatepassError,
    KeySourceUnavailable,
    TokenFault,
    TokenRefused,
)
from gatepass.jwks.fetch import Fetcher, HttpFetcher
from gatepass.jwks.keeper import Freshness
from gatepass.jwks.limits import Limits
from gatepass.jwks.rules import ALGORITHMS, IssuerRules
from gatepass.jwks.source import DiscoveredKeys, FileKeys, InlineKeys, KeySource, UrlKeys
from gatepass.jwks.token import VerifiedToken
from gatepass.jwks.verifier import Issuer, IssuerStatus, Verifier

__all__ = [
    "ALGORITHMS",
    "SYSTEM_CLOCK",
    "Clock",
    "ConfigurationError",
    "DiscoveredKeys",
    "Fetcher",
    "FileKeys",
    "Freshness",
    "GatepassError",
    "HttpFetcher",
    "InlineKeys",
    "Issuer",
    "IssuerRules",
    "IssuerStatus",
    "KeySource",
    "KeySourceUnavailable",
    "Limits",
    "SystemClock",
    "TokenFault",
    "TokenRefused",
    "UrlKeys",
    "VerifiedToken",
    "Verifier",
]
