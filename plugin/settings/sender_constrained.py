"""The settings of tokens that are bound to their sender: by a certificate, or by a key (DPoP)."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from gatepass.jwks.proof_rules import (
    MAX_PROOF_AGE_SECONDS,
    MAX_PROOF_LEEWAY_SECONDS,
    normal_url,
)
from gatepass.jwks.rules import ALGORITHMS, Binding
from gatepass.plugin.settings.fields import DURATION, Algorithm, AnyNumber, AtLeastOne, Flag
from gatepass.plugin.settings.problems import BadValue, Finding
from gatepass.plugin.settings.section import Section
from gatepass.plugin.settings.values import to_count, to_seconds, to_text

if TYPE_CHECKING:
    from gatepass.plugin.settings.issuers import IssuerSettings

MAX_PROOFS = 10_000_000


def _to_binding(value: object) -> Binding:
    try:
        return Binding(to_text(value))
    except ValueError as unknown:
        raise BadValue(f"must be one of {', '.join(Binding)}") from unknown


def _to_external_url(value: object) -> str:
    url = to_text(value)
    if normal_url(url) is None or "?" in url or "#" in url:
        raise BadValue("not a URL; write https://host, with a port and a path where there are any")
    return url


def _to_proof_count(value: object) -> int:
    proofs = to_count(value)
    if not 1 <= proofs <= MAX_PROOFS:
        raise BadValue(f"must be from 1 to {MAX_PROOFS}")
    return proofs


def _seconds(at_least: int, at_most: int) -> tuple[PlainValidator, WithJsonSchema]:
    schema = {"type": "string", "pattern": r"^([0-9]+[smhd]|0)$|\$\{.+\}", DURATION: ""}
    return PlainValidator(to_seconds(at_least, at_most)), WithJsonSchema(schema)


BindingWord = Annotated[
    Binding,
    PlainValidator(_to_binding),
    WithJsonSchema({"type": "string", "enum": [word.value for word in Binding]}),
]
ExternalUrl = Annotated[
    str,
    PlainValidator(_to_external_url),
    WithJsonSchema({"type": "string", "examples": ["https://llm.example.com"]}),
]
ProofAge = Annotated[int, *_seconds(1, MAX_PROOF_AGE_SECONDS)]
ProofLeeway = Annotated[int, *_seconds(0, MAX_PROOF_LEEWAY_SECONDS)]
ProofCount = Annotated[
    int,
    PlainValidator(_to_proof_count),
    WithJsonSchema(
        {
            "type": ["string", "integer"],
            "pattern": r"^([0-9]+)$|\$\{.+\}",
            "minimum": 1,
            "maximum": MAX_PROOFS,
        }
    ),
]


class SenderConstrainedSettings(Section):
    """Whether tokens of an issuer are bound to whoever got them."""

    mtls: BindingWord = Field(
        default=Binding.OFF,
        json_schema_extra={"default": Binding.OFF.value},
        description="To a client certificate (`cnf.x5t#S256`, RFC 8705): `optional` checks tokens "
        "that are, `required` refuses all others, `off` refuses those that are.",
    )
    dpop: BindingWord = Field(
        default=Binding.OFF,
        json_schema_extra={"default": Binding.OFF.value},
        description="To a key of the client's (`cnf.jkt`, DPoP, RFC 9449), in the same words.",
    )
    unsafe_ignore_confirmation: Flag = Field(
        default=False,
        description="Accept bound tokens from anybody, as far as what they are bound to is off.",
    )

    def cross_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        """Yield the word that could change nothing."""
        if (
            right >= {"mtls", "dpop", "unsafe_ignore_confirmation"}
            and self.unsafe_ignore_confirmation
            and Binding.OFF not in {self.mtls, self.dpop}
        ):
            yield Finding(
                ("unsafe_ignore_confirmation",), "nothing is left to ignore; leave it out"
            )


class DpopSettings(Section):
    """What the proofs look like that come beside tokens bound to a key (RFC 9449)."""

    external_urls: AnyNumber[ExternalUrl] = Field(
        default=(),
        description="The addresses at which clients reach the gateway: what stands in front of the "
        "path in the URLs that they prove. Required where tokens may be bound to a key.",
    )
    algorithms: AtLeastOne[Algorithm] = Field(
        default=tuple(sorted(ALGORITHMS)),
        description="The signature algorithms of proofs.",
    )
    max_age: ProofAge = Field(
        default=60, description="How old a proof may be. A duration, at most 5m."
    )
    leeway: ProofLeeway = Field(
        default=10,
        description="How far a client's clock may be ahead of ours. A duration, at most 60s.",
    )
    max_proofs: ProofCount = Field(
        default=100_000,
        description="How many used proofs each process remembers; no caller may take more than an "
        "eighth of them, and what cannot be remembered is refused.",
    )


def certificate_findings(
    header: str | None, issuers: "Sequence[IssuerSettings]"
) -> Iterator[Finding]:
    """Yield the header with certificates that no issuer's tokens are bound to."""
    wanted = any(issuer.sender_constrained.mtls is not Binding.OFF for issuer in issuers)
    if header is not None and not wanted:
        yield Finding(
            ("doors", "http", "client_certificate_header"),
            "no issuer's tokens are bound to certificates; set sender_constrained.mtls, or leave "
            "this out",
        )


def dpop_findings(settings: DpopSettings, issuers: "Sequence[IssuerSettings]") -> Iterator[Finding]:
    """Yield the addresses that are missing."""
    wanted = any(issuer.sender_constrained.dpop is not Binding.OFF for issuer in issuers)
    if wanted and not settings.external_urls:
        yield Finding(
            ("dpop", "external_urls"),
            "name the addresses at which clients reach the gateway, or no proof can be compared",
        )
