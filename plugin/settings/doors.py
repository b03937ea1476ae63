"""The settings of the doors: where gateways ask, whom we believe, and what bounds an answer."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from gatepass.plugin.gateways.kong.bounds import Consumer
from gatepass.plugin.settings.fields import (
    AccountName,
    AnyNumber,
    BodySize,
    ConsumerName,
    FileMode,
    Flag,
    HeaderName,
    Listen,
    Network,
    SecretToken,
    ShortTime,
    SocketPath,
)
from gatepass.plugin.settings.problems import BadValue, Finding
from gatepass.plugin.settings.section import Section
from gatepass.plugin.settings.values import to_address, to_count, to_network

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
    usage_token: SecretToken | None = Field(
        default=None,
        description="The bearer token of whoever reports usage to POST /usage; without one nobody "
        "may.",
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


class DoorSettings(Section):
    """The ways in which gateways ask."""

    http: HttpDoorSettings = Field(
        default_factory=HttpDoorSettings, description="The HTTP decision service."
    )
    kong: KongDoorSettings | None = Field(
        default=None, description="The plugin server for Kong; none by default."
    )
    apisix: ApisixDoorSettings | None = Field(
        default=None, description="The runner for APISIX; none by default."
    )
    workers: WorkerCount = Field(
        default=1,
        description="How many processes answer at every door; more than one cannot count budgets.",
    )

    def cross_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        """Yield the socket that two doors would want."""
        if {"http", "kong"} <= right and self.kong and self.kong.socket == self.http.listen.path:
            yield Finding(("kong", "socket"), "the HTTP decision service listens there already")
