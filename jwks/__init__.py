"""Who signed this token, and is it still good? Stands alone: no other package of ours is needed.

What is named here is the public face; importing it opens nothing and loads no HTTP client.
"""

from gatepass.jwks.cache import CacheBounds
from gatepass.jwks.clock import SYSTEM_CLOCK, Clock, SystemClock
from gatepass.jwks.discovery import Metadata
from gatepass.jwks.document import Document
from gatepass.jwks.errors import (
    ConfigurationError,
    GatepassError,
    KeySourceUnavailable,
    TokenFault,
    TokenRefused,
)
from gatepass.jwks.fetch import HttpFetcher
from gatepass.jwks.fetcher import Fetched, Fetcher
from gatepass.jwks.freshness import Freshness
from gatepass.jwks.limits import Limits
from gatepass.jwks.rules import ALGORITHMS, IssuerRules
from gatepass.jwks.source import DiscoveredKeys, FileKeys, InlineKeys, KeySource, UrlKeys
from gatepass.jwks.status import IssuerStatus
from gatepass.jwks.token import VerifiedToken
from gatepass.jwks.verifier import Issuer, Verifier

__all__ = [
    "ALGORITHMS",
    "SYSTEM_CLOCK",
    "CacheBounds",
    "Clock",
    "ConfigurationError",
    "DiscoveredKeys",
    "Document",
    "Fetched",
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
    "Metadata",
    "SystemClock",
    "TokenFault",
    "TokenRefused",
    "UrlKeys",
    "VerifiedToken",
    "Verifier",
]
