"""The settings of the doors: where gateways ask, whom we believe, and what bounds an answer."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from gatepass.plugin.gateways.certificates import CertificateForm
from gatepass.plugin.gateways.kong.bounds import Consumer
from gatepass.plugin.gateways.listener import Address
from gatepass.plugin.settings.admin_door import AdminDoorSettings
from gatepass.plugin.settings.fields import (
    AccountName,
    AnyNumber,
    BodySize,
    ConsumerName,
    FileMode,
    Flag,
    FrameBodySize,
    HeaderName,
    Listen,
    Network,
    SecretToken,
    ShortTime,
    SocketPath,
)
from gatepass.plugin.settings.problems import BadValue, Finding
from gatepass.plugin.settings.section import Section
from gatepass.plugin.settings.values import to_address, to_count, to_network, to_text

MAX_WORKERS = 64


def _to_workers(value: object) -> int:
    workers = to_count(value)
    if not 1 <= workers <= MAX_WORKERS:
        raise BadValue(f"must be from 1 to {MAX_WORKERS}")
    return workers


WorkerCount = Annotated[
    int,
    PlainValidator(_to_workers),
    WithJsonSchema(
        {
            "type": ["string", "integer"],
            "pattern": r"^([0-9]+)$|\$\{.+\}",
            "minimum": 1,
            "maximum": MAX_WORKERS,
        }
    ),
]


def _to_form(value: object) -> CertificateForm:
    try:
        return CertificateForm(to_text(value))
    except ValueError as unknown:
        raise BadValue(f"must be one of {', '.join(CertificateForm)}") from unknown


CertificateFormName = Annotated[
    CertificateForm,
    PlainValidator(_to_form),
    WithJsonSchema({"type": "string", "enum": [form.value for form in CertificateForm]}),
]


_HTTP = "the HTTP decision service"
_STATUS = "the door for monitoring"
_ONE_OF_MANY = (
    "each worker has keys and counts of its own, and a question reaches any of them; run a single "
    "worker, or leave this out"
)


class HttpDoorSettings(Section):
    """The HTTP decision service."""

    listen: Listen = Field(
        default=to_address("127.0.0.1:8700"),
        json_schema_extra={"default": "127.0.0.1:8700"},
        description="HOST:PORT, [IPV6]:PORT or unix:/path.",
    )
    trusted_proxies: AnyNumber[Network] = Field(
        default=(to_network("127.0.0.1"), to_network("::1")),
        json_schema_extra={"default": ["127.0.0.1", "::1"]},
        description="The addresses and networks of the proxies that may ask.",
    )
    max_body: BodySize = Field(
        default=1024 * 1024, description="The largest request body that is judged. A size."
    )
    deadline: ShortTime = Field(
        default=2, description="How long a decision may take. A duration, at most 60s."
    )
    cost_header: HeaderName | None = Field(
        default=None,
        description="The header of an upstream's response that says what the call cost, in "
        "dollars, where a report of usage shows it.",
    )
    usage_token: SecretToken | None = Field(
        default=None,
        description="The bearer token of whoever reports usage to POST /usage; without one nobody "
        "may.",
    )
    client_certificate_header: HeaderName | None = Field(
        default=None,
        description="The header in which the proxies show the client's certificate, for tokens "
        "that are bound to one; none by default. A proxy must write it over what a client sends.",
    )
    client_certificate_form: CertificateFormName = Field(
        default=CertificateForm.PEM,
        json_schema_extra={"default": CertificateForm.PEM.value},
        description="How it stands there: pem (percent-encoded, as nginx writes it), der (base64), "
        "rfc9440 (Client-Cert) or xfcc (Envoy's own).",
    )

    def cross_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        """Yield the form of a header that nobody named."""
        if (
            right >= {"client_certificate_header", "client_certificate_form"}
            and "client_certificate_form" in self.model_fields_set
            and self.client_certificate_header is None
        ):
            yield Finding(
                ("client_certificate_form",),
                "says how a header is written that is not named; set client_certificate_header",
            )


class KongDoorSettings(Section):
    """The plugin server for Kong."""

    socket: SocketPath = Field(
        description="The Unix socket that kong.conf names as pluginserver_gatepass_socket."
    )
    mode: FileMode = Field(
        default=0o660,
        json_schema_extra={"default": "0660"},
        description="The mode of the socket. Whoever may open it is believed to be Kong.",
    )
    owner: AccountName | None = Field(
        default=None, description="The account that owns the socket; our own by default."
    )
    group: AccountName | None = Field(
        default=None, description="The group of the socket; our own by default."
    )
    max_body: BodySize = Field(
        default=1024 * 1024, description="The largest request body that is judged. A size."
    )
    deadline: ShortTime = Field(
        default=2, description="How long a decision may take. A duration, at most 60s."
    )
    body_deadline: ShortTime = Field(
        default=30,
        description="How long a client may take to send a body that is judged. A duration, at most "
        "60s.",
    )
    consumer: ConsumerName = Field(
        default=Consumer.USER,
        json_schema_extra={"default": Consumer.USER.value},
        description="Who is Kong's consumer: user, team, organization or none.",
    )
    cost_header: HeaderName | None = Field(
        default=None,
        description="The header of the upstream's response that says what the call cost, in "
        "dollars.",
    )


class ApisixDoorSettings(Section):
    """The runner for APISIX."""

    socket: SocketPath | None = Field(
        default=None,
        description="The Unix socket that config.yaml names as ext-plugin.path_for_test; a runner "
        "that APISIX starts listens where APISIX says.",
    )
    mode: FileMode = Field(
        default=0o660,
        json_schema_extra={"default": "0660"},
        description="The mode of the socket. Whoever may open it is believed to be APISIX.",
    )
    owner: AccountName | None = Field(
        default=None, description="The account that owns the socket; our own by default."
    )
    group: AccountName | None = Field(
        default=None, description="The group of the socket; our own by default."
    )
    max_body: FrameBodySize = Field(
        default=1024 * 1024,
        description="The largest request body that is judged. A size, at most 16383KiB: a frame of "
        "APISIX's carries no more.",
    )
    deadline: ShortTime = Field(
        default=2, description="How long a decision may take. A duration, at most 60s."
    )
    body_deadline: ShortTime = Field(
        default=30,
        description="How long a client may take to send a body that is judged. A duration, at most "
        "60s.",
    )
    show_usage: Flag = Field(
        default=True,
        description="Take the client's Accept-Encoding away, so that what a call used can be read "
        "in the response.",
    )
    read_responses: Flag = Field(
        default=False,
        description="Read what a call used in responses that do not stream, by APISIX's "
        "ext-plugin-post-resp.",
    )


class StatusDoorSettings(Section):
    """The pages for those who watch the service."""

    listen: Listen = Field(
        default=to_address("127.0.0.1:8701"),
        json_schema_extra={"default": "127.0.0.1:8701"},
        description="HOST:PORT, [IPV6]:PORT or unix:/path.",
    )
    readers: AnyNumber[Network] = Field(
        default=(to_network("127.0.0.1"), to_network("::1")),
        json_schema_extra={"default": ["127.0.0.1", "::1"]},
        description="The addresses and networks from which metrics and the state of the issuers' "
        "keys may be read.",
    )


class DoorSettings(Section):
    """The ways in which gateways ask, and those who watch."""

    http: HttpDoorSettings = Field(
        default_factory=HttpDoorSettings, description="The HTTP decision service."
    )
    kong: KongDoorSettings | None = Field(
        default=None, description="The plugin server for Kong; none by default."
    )
    apisix: ApisixDoorSettings | None = Field(
        default=None, description="The runner for APISIX; none by default."
    )
    status: StatusDoorSettings | None = Field(
        default=None, description="Readiness, issuers and metrics for monitoring; none by default."
    )
    admin: AdminDoorSettings | None = Field(
        default=None, description="The management service; none by default."
    )
    workers: WorkerCount = Field(
        default=1,
        description="How many processes answer at every door; more than one cannot count budgets.",
    )

    def cross_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        """Yield the sockets that two doors would want, and what several workers cannot tell."""
        if {"status", "workers"} <= right and self.status is not None and self.workers > 1:
            yield Finding(("status",), _ONE_OF_MANY)
        if {"http", "status"} <= right and self.status is not None:
            yield from _same_address("status", self.status.listen, self.http.listen, _HTTP)
        if {"http", "admin"} <= right and self.admin is not None:
            yield from _same_address("admin", self.admin.listen, self.http.listen, _HTTP)
        if {"status", "admin"} <= right and self.status is not None and self.admin is not None:
            yield from _same_address("admin", self.admin.listen, self.status.listen, _STATUS)
        taken = {self.http.listen.path: _HTTP} if "http" in right else {}
        if "status" in right and self.status is not None:
            taken.setdefault(self.status.listen.path, _STATUS)
        if "admin" in right and self.admin is not None:
            taken.setdefault(self.admin.listen.path, "the management service")
        for name, title, door in (
            ("kong", "the plugin server for Kong", self.kong),
            ("apisix", "the runner for APISIX", self.apisix),
        ):
            if door is None or door.socket is None or name not in right:
                continue
            if door.socket in taken:
                yield Finding((name, "socket"), f"{taken[door.socket]} listens there already")
            else:
                taken[door.socket] = title


def _same_address(name: str, one: Address, other: Address, title: str) -> Iterator[Finding]:
    if one == other and (one.path is not None or one.port):
        yield Finding((name, "listen"), f"{title} listens there already")
