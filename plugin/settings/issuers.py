"""The settings of one issuer: whose tokens are accepted, where their keys come from, what they say.

Between the fields: an audience or the word that opts out of it, exactly one place for the keys, an
address that may be asked, and times that can work together.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

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
    OpenedNetwork,
    PresetName,
    ProxyUrl,
    ShortTime,
    Text,
    Time,
)
from gatepass.plugin.settings.introspection import IntrospectionSettings, introspection_findings
from gatepass.plugin.settings.key_places import place_findings
from gatepass.plugin.settings.presets import with_preset
from gatepass.plugin.settings.problems import Finding
from gatepass.plugin.settings.section import Section
from gatepass.plugin.settings.sender_constrained import SenderConstrainedSettings
from gatepass.plugin.settings.tenants import Tenant, metadata_base, tenant_findings

_DEFAULT_TYPE_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "typ": ("bearer",),  # Keycloak
    "token_use": ("access",),  # Cognito
}

_TENANT_SETTINGS = frozenset(
    {"issuer", "tenants", "unsafe_any_tenant", "discovery_tenant"}
    | {"jwks_uri", "jwks_file", "jwks"}
)


class IssuerSettings(Section):
    """One issuer of tokens, usually an identity provider."""

    preset: PresetName | None = Field(
        default=None,
        description="An identity provider whose tokens are known: fills in what is left out here.",
    )
    issuer: Text = Field(
        description="The `iss` of its tokens, exactly, with or without a slash at the end. It may "
        "hold {tenantid} in place of a tenant's id."
    )
    tenants: AnyNumber[Tenant] = Field(
        default=(),
        description="The tenants that {tenantid} stands for: the claim `tid` of their tokens. "
        "Required for such an issuer, unless `unsafe_any_tenant` is true.",
    )
    unsafe_any_tenant: Flag = Field(
        default=False, description="Accept the tokens of every tenant of the provider."
    )
    discovery_tenant: Literal["organizations", "common"] | None = Field(
        default=None,
        description="What stands for {tenantid} where the metadata is asked for: `organizations`, "
        "the default, or `common`, which has the keys of personal accounts too.",
    )
    audience: AnyNumber[Text] = Field(
        default=(),
        description="The accepted values of `aud`; a token needs one of them. Required, unless "
        "`unsafe_any_audience` is true.",
    )
    unsafe_any_audience: Flag = Field(
        default=False, description="Accept tokens that were made for any audience."
    )
    audience_claim: Text | None = Field(
        default=None,
        description="The claim that is compared with `audience` in tokens without `aud`.",
    )
    keys: Literal["discovery", "oauth-metadata", "none"] | None = Field(
        default=None,
        description="`discovery`: the keys are found by OpenID Connect Discovery. The default, "
        "unless one of jwks_uri, jwks_file and jwks is given. `oauth-metadata`: they are found by "
        "the metadata of an OAuth server (RFC 8414). `none`: all tokens of the issuer are opaque.",
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
    access_token_claims: AnyNumber[Text] = Field(
        default=(),
        description="Claims that this issuer's access tokens have and its ID tokens lack; a token "
        "needs one of them.",
    )
    allow_id_tokens: Flag = Field(
        default=False, description="Accept ID tokens, of an issuer that has no other JWT."
    )
    require_claims: Mapping[Text, AtLeastOne[Text]] = Field(
        default_factory=dict,
        description="Further claims that every token must hold, and their accepted values, "
        "exactly.",
    )
    sender_constrained: SenderConstrainedSettings = Field(
        default_factory=SenderConstrainedSettings,
        description="Whether its tokens are bound to whoever got them.",
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
        description="Further hosts that the issuer's discovery document may name for its keys, or "
        "for introspection.",
    )
    allow_networks: AnyNumber[OpenedNetwork] = Field(
        default=(),
        description="Networks beside the public Internet in which the issuer may stand: addresses "
        "such as 10.0.0.7, or networks such as 10.0.0.0/8.",
    )
    ca_file: Text | None = Field(
        default=None,
        description="A file with the certificates (PEM) that vouch for the issuer in place of the "
        "system's; a relative path starts at the settings file.",
    )
    proxy: ProxyUrl | None = Field(
        default=None,
        description="The proxy to fetch keys through; that of the environment never counts.",
    )
    refresh: Time = Field(
        default=300,
        description="How often the keys are fetched. A duration; the issuer's Cache-Control may "
        "shorten it.",
    )
    min_refresh: Time = Field(
        default=60,
        description="How often the issuer's Cache-Control may have the keys fetched at most. A "
        "duration.",
    )
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
    introspection: IntrospectionSettings | None = Field(
        default=None,
        description="How the issuer is asked about opaque tokens (RFC 7662); without it they are "
        "refused.",
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
        elsewhere = (self.jwks_uri, self.jwks_file, self.jwks)
        return self.keys != "none" and all(place is None for place in elsewhere)

    @property
    def metadata_base(self) -> str | None:
        """Return the URL that stands for the issuer where metadata is asked for, if another one."""
        return metadata_base(self)

    @classmethod
    def completed(cls, values: Mapping[str, object]) -> Mapping[str, object]:
        """Return the values with what their preset fills in."""
        return with_preset(values)

    def cross_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        """Yield what is wrong between the fields of one issuer."""
        if right >= {"audience", "unsafe_any_audience"}:
            yield from self._audience_findings()
        if right >= {"token_types", "typ_required"} and not self.token_types and self.typ_required:
            yield Finding(("token_types",), "name at least one, or no token would pass")
        if right >= _TENANT_SETTINGS:
            about_tenants = list(tenant_findings(self))
            yield from about_tenants
            if any(finding.location == ("issuer",) for finding in about_tenants):
                right -= {"issuer"}
        if right >= {"keys", "jwks_uri", "jwks_file", "jwks"}:
            yield from place_findings(self, right)
        if right >= {"issuer", "keys", "introspection"}:
            yield from introspection_findings(self)
        if right >= {"refresh", "min_refetch"} and self.refresh < self.min_refetch:
            yield Finding(("refresh",), "must not be shorter than min_refetch")
        if right >= {"refresh", "max_stale"} and self.max_stale < self.refresh:
            yield Finding(("max_stale",), "must not be shorter than refresh")

    def _audience_findings(self) -> Iterator[Finding]:
        if not self.audience and not self.unsafe_any_audience:
            yield Finding(("audience",), "name at least one, or say unsafe_any_audience: true")
        if self.audience and self.unsafe_any_audience:
            yield Finding(("unsafe_any_audience",), "contradicts audience; leave one of them out")
