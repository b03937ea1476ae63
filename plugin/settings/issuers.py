"""The settings of one issuer: whose tokens are accepted, where their keys come from, what they say.

Between the fields: an audience or the word that opts out of it, exactly one place for the keys, an
address that may be asked, and times that can work together.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from gatepass.jwks.address import checked_host
from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.plugin.settings.claims import (
    ClaimSettings,
    IdClaimName,
    ListClaimName,
    SeparatorName,
)
from gatepass.plugin.settings.fields import (
    Algorithm,
    AnyNumber,
    AtLeastOne,
    Flag,
    FunctionName,
    HostName,
    KeySetDocument,
    Leeway,
    LongTime,
    ShortTime,
    Text,
    Time,
)
from gatepass.plugin.settings.problems import Finding
from gatepass.plugin.settings.section import Section

_DEFAULT_TYPE_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "typ": ("bearer",),  # Keycloak
    "token_use": ("access",),  # Cognito
}


class IssuerSettings(Section):
    """One issuer of tokens, usually an identity provider."""

    issuer: Text = Field(
        description="The `iss` of its tokens, exactly, with or without a slash at the end."
    )
    audience: AnyNumber[Text] = Field(
        default=(),
        description="The accepted values of `aud`; a token needs one of them. Required, unless "
        "`unsafe_any_audience` is true.",
    )
    unsafe_any_audience: Flag = Field(
        default=False, description="Accept tokens that were made for any audience."
    )
    keys: Literal["discovery"] | None = Field(
        default=None,
        description="`discovery`: the keys are found by OpenID Connect Discovery. The default, "
        "unless one of jwks_uri, jwks_file and jwks is given.",
    )
    jwks_uri: Text | None = Field(default=None, description="The URL of the issuer's JWK Set.")
    jwks_file: Text | None = Field(
        default=None,
        description="A file that holds the JWK Set; a relative path starts at the settings file.",
    )
    jwks: KeySetDocument | None = Field(default=None, description="The JWK Set itself.")
    algorithms: AtLeastOne[Algorithm] = Field(
        default=("RS256",), description="The accepted signature algorithms."
    )
    token_types: AnyNumber[Text] = Field(
        default=("at+jwt", "jwt"),
        description="The accepted values of the header `typ`, in any letter case.",
    )
    typ_required: Flag = Field(
        default=False, description="Refuse tokens that have no `typ` in their header."
    )
    type_claims: Mapping[Text, AtLeastOne[Text]] = Field(
        default=_DEFAULT_TYPE_CLAIMS,
        description="Claims that tell access tokens from others, and their accepted values, in any "
        "letter case; checked when a token has the claim.",
    )
    leeway: Leeway = Field(
        default=10, description="The clock skew that is forgiven. A duration, at most 60s."
    )
    max_lifetime: LongTime | None = Field(
        default=None,
        description="How far ahead a token may expire at most. A duration; none by default.",
    )
    allow_padding: Flag = Field(
        default=False,
        description="Accept base64url with padding, as AWS load balancers write it.",
    )
    allow_http_loopback: Flag = Field(
        default=False, description="Fetch keys by plain http from the machine itself."
    )
    jwks_hosts: AnyNumber[HostName] = Field(
        default=(),
        description="Further hosts that the issuer's discovery document may name for its keys.",
    )
    refresh: Time = Field(default=300, description="How often the keys are fetched. A duration.")
    min_refetch: Time = Field(
        default=1,
        description="How long after a fetch an unknown key may cause the next. A duration.",
    )
    max_stale: Time = Field(
        default=3600,
        description="How long the last keys are used when no new ones can be had. A duration.",
    )
    fetch_timeout: ShortTime = Field(
        default=5, description="How long fetching the keys may take. A duration, at most 60s."
    )
    email_trusted: Flag = Field(
        default=False,
        description="Believe the issuer when it says that an address is verified: such an address "
        "may link a stored user (users.link), and is one user's alone.",
    )
    claims: ClaimSettings = Field(
        default_factory=ClaimSettings, description="Which claims name what."
    )
    separators: Mapping[ListClaimName, SeparatorName] = Field(
        default={},
        description="What stands between the entries of `teams` or `roles` when that claim is one "
        "text: comma or space. Without it one text is one entry.",
    )
    numbers_as_ids: AnyNumber[IdClaimName] = Field(
        default=(),
        description="The ids that may be whole numbers in a token: 12 is then the same as '12'.",
    )
    groups_resolver: FunctionName | None = Field(
        default=None,
        description="MODULE:FUNCTION; asked for the teams and roles of a caller whose token leaves "
        "them out because they are too many. Gets the claims; an async function that returns a "
        "list of texts.",
    )
    groups_deadline: ShortTime = Field(
        default=2, description="How long it may take; then the answer is 503."
    )

    @property
    def discovers(self) -> bool:
        """Return whether the keys are found by discovery."""
        return self.jwks_uri is None and self.jwks_file is None and self.jwks is None

    def cross_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        """Yield what is wrong between the fields of one issuer."""
        if right >= {"audience", "unsafe_any_audience"}:
            yield from self._audience_findings()
        if right >= {"token_types", "typ_required"} and not self.token_types and self.typ_required:
            yield Finding(("token_types",), "name at least one, or no token would pass")
        if right >= {"keys", "jwks_uri", "jwks_file", "jwks"}:
            yield from self._source_findings(right)
        if right >= {"refresh", "min_refetch"} and self.refresh < self.min_refetch:
            yield Finding(("refresh",), "must not be shorter than min_refetch")
        if right >= {"refresh", "max_stale"} and self.max_stale < self.refresh:
            yield Finding(("max_stale",), "must not be shorter than refresh")

    def _audience_findings(self) -> Iterator[Finding]:
        if not self.audience and not self.unsafe_any_audience:
            yield Finding(("audience",), "name at least one, or say unsafe_any_audience: true")
        if self.audience and self.unsafe_any_audience:
            yield Finding(("unsafe_any_audience",), "contradicts audience; leave one of them out")

    def _source_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        named = [
            name
            for name in ("keys", "jwks_uri", "jwks_file", "jwks")
            if getattr(self, name) is not None
        ]
        if len(named) > 1:
            yield Finding((named[1],), f"contradicts {named[0]}; the keys come from one place")
            return
        if "jwks_hosts" in right and self.jwks_hosts and not self.discovers:
            yield Finding(("jwks_hosts",), "counts for discovery only; leave it out")
        if right >= {"issuer", "allow_http_loopback"}:
            yield from self._address_findings()

    def _address_findings(self) -> Iterator[Finding]:
        if self.discovers:
            where, url = "issuer", self.issuer
            if "?" in url:
                yield Finding((where,), "has a query; discovery needs an issuer without one")
                return
        elif self.jwks_uri is not None:
            where, url = "jwks_uri", self.jwks_uri
        else:
            return
        try:
            checked_host(url, allow_http_loopback=self.allow_http_loopback)
        except KeySourceUnavailable as wrong:
            reason = wrong.detail.removeprefix("address: ")
            yield Finding((where,), f"keys cannot be fetched there: {reason}{self._advice(url)}")

    def _advice(self, url: str) -> str:
        if url.startswith("http://"):
            return "; plain http passes only to 127.0.0.1, with allow_http_loopback: true"
        if self.discovers:
            return "; an issuer that is no https URL needs jwks_uri, jwks_file or jwks"
        return ""
