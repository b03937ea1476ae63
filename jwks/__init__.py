"""Who signed this token, and is it still good? Stands alone: no other package of ours is needed.

What is named here is the public face; importing it opens nothing and loads no HTTP client.
"""

from gatepass.jwks.cache import CacheBounds
from gatepass.jwks.clock import SYSTEM_CLOCK, Clock, SystemClock
from gatepass.jwks.confirmation import Confirmation, check_certificate
from gatepass.jwks.discovery import Metadata
from gatepass.jwks.document import Document
from gatepass.jwks.dpop import ProofChecker
from gatepass.jwks.errors import (
    ConfigurationError,
    GatepassError,
    IntrospectionUnavailable,
    KeySourceUnavailable,
    TokenFault,
    TokenRefused,
    TooManyProofs,
)
from gatepass.jwks.fetch import HttpFetcher
from gatepass.jwks.fetcher import Fetched, Fetcher
from gatepass.jwks.freshness import Freshness
from gatepass.jwks.introspection import Introspection, IntrospectionStatus
from gatepass.jwks.introspection_endpoint import DiscoveredEndpoint, Endpoint, NamedEndpoint
from gatepass.jwks.introspection_request import Client, ClientAuthentication
from gatepass.jwks.issuer import Issuer
from gatepass.jwks.limits import Limits
from gatepass.jwks.proof_rules import ProofRules
from gatepass.jwks.replays import Proof
from gatepass.jwks.rules import ALGORITHMS, Binding, IssuerRules
from gatepass.jwks.source import DiscoveredKeys, FileKeys, InlineKeys, KeySource, UrlKeys
from gatepass.jwks.status import IssuerStatus
from gatepass.jwks.token import VerifiedToken
from gatepass.jwks.verifier import Verifier

__all__ = [
    "ALGORITHMS",
    "SYSTEM_CLOCK",
    "Binding",
    "CacheBounds",
    "Client",
    "ClientAuthentication",
    "Clock",
    "ConfigurationError",
    "Confirmation",
    "DiscoveredEndpoint",
    "DiscoveredKeys",
    "Document",
    "Endpoint",
    "Fetched",
    "Fetcher",
    "FileKeys",
    "Freshness",
    "GatepassError",
    "HttpFetcher",
    "InlineKeys",
    "Introspection",
    "IntrospectionStatus",
    "IntrospectionUnavailable",
    "Issuer",
    "IssuerRules",
    "IssuerStatus",
    "KeySource",
    "KeySourceUnavailable",
    "Limits",
    "Metadata",
    "NamedEndpoint",
    "Proof",
    "ProofChecker",
    "ProofRules",
    "SystemClock",
    "TokenFault",
    "TokenRefused",
    "TooManyProofs",
    "UrlKeys",
    "VerifiedToken",
    "Verifier",
    "check_certificate",
]
