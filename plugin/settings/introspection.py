"""The settings of asking an issuer about its opaque tokens, and what can be wrong with them."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from gatepass.jwks.introspection_request import ClientAuthentication
from gatepass.jwks.opaque import overlaps, prefix_problem
from gatepass.jwks.tenants import is_template
from gatepass.plugin.settings.fields import AnswerAge, RefusalAge, Text
from gatepass.plugin.settings.problems import BadValue, Finding
from gatepass.plugin.settings.section import Section
from gatepass.plugin.settings.values import to_count, to_matching, to_text

if TYPE_CHECKING:
    from gatepass.plugin.settings.issuers import IssuerSettings

MAX_QUESTIONS = 10_000
_METADATA = ("discovery", "oauth-metadata")

_TEXT = WithJsonSchema({"type": "string", "minLength": 1})


def _to_prefix(value: object) -> str:
    prefix = to_text(value)
    problem = prefix_problem(prefix)
    if problem is not None:
        raise BadValue(problem)
    return prefix


def _to_questions(value: object) -> int:
    questions = to_count(value)
    if not 1 <= questions <= MAX_QUESTIONS:
        raise BadValue(f"must be from 1 to {MAX_QUESTIONS}")
    return questions


_Credential = Annotated[
    str, PlainValidator(to_matching(r"[ -~]{1,1024}", "must be printable ASCII")), _TEXT
]
_Prefix = Annotated[str, PlainValidator(_to_prefix), _TEXT]
_Questions = Annotated[
    int,
    PlainValidator(_to_questions),
    WithJsonSchema(
        {
            "type": ["string", "integer"],
            "pattern": r"^([0-9]+)$|\$\{.+\}",
            "minimum": 1,
            "maximum": MAX_QUESTIONS,
        }
    ),
]


class IntrospectionSettings(Section):
    """How an issuer is asked about its opaque tokens."""

    endpoint: Text = Field(
        default="discovery",
        description="The URL to ask. `discovery`: the one that the issuer's OpenID metadata names. "
        "`oauth-metadata`: the one that its OAuth metadata (RFC 8414) names.",
    )
    client_id: _Credential = Field(description="The client that Gatepass is to the issuer.")
    client_secret: _Credential = Field(
        repr=False,
        description="That client's secret: ${NAME} or ${file:PATH}, so that it is not in the file.",
    )
    auth: Literal["client_secret_basic", "client_secret_post"] = Field(
        default="client_secret_basic",
        description="How the secret is sent: in a header, or in the form.",
    )
    token_prefix: _Prefix | None = Field(
        default=None,
        description="What the issuer's opaque tokens begin with; one issuer may leave it out.",
    )
    cache: AnswerAge = Field(
        default=30,
        description="How long a good token passes without asking again, and so how long one that "
        "was revoked may. A duration, at most 1h.",
    )
    inactive_cache: RefusalAge = Field(
        default=10,
        description="How long a refused token is refused without asking again. A duration, at most "
        "10m.",
    )
    max_per_second: _Questions = Field(
        default=100, description="How many questions are begun in a second at most."
    )
    max_in_flight: _Questions = Field(
        default=32, description="How many questions are under way at most."
    )

    @property
    def discovers(self) -> bool:
        """Return whether the endpoint is found by metadata."""
        return self.endpoint in _METADATA

    @property
    def authentication(self) -> ClientAuthentication:
        """Return how the secret is sent."""
        return ClientAuthentication(self.auth)


def introspection_findings(settings: "IssuerSettings") -> Iterator[Finding]:
    """Yield what is wrong between an issuer and how it is asked."""
    if settings.introspection is None:
        if settings.keys == "none":
            yield Finding(("keys",), "without keys nothing passes; add introspection, or name keys")
    elif is_template(settings.issuer):
        yield Finding(("introspection",), "not for an issuer of many tenants; name one")


def prefix_findings(issuers: Sequence["IssuerSettings"]) -> Iterator[Finding]:
    """Yield the issuers whose opaque tokens cannot be told from those of one further up."""
    before: list[str] = []
    for place, issuer in enumerate(issuers):
        if issuer.introspection is None:
            continue
        prefix = issuer.introspection.token_prefix or ""
        where = ("issuers", place, "introspection", "token_prefix")
        if overlaps(prefix, before):
            yield Finding(
                where if prefix else where[:-1],
                "an issuer above has tokens that may begin the same"
                if prefix
                else "an issuer above has no token_prefix either; give one of them its own",
            )
        before.append(prefix)
