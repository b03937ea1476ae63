"""What is asked of Kong in an event and what it is told, in the words of neither protocol.

A question names a function of Kong's plugin development kit, how its answer is read, and its
argument; several go out together and are answered in their order. A command changes something and
has no answer that matters. An event ends in one of two ways: Kong answers the client, or goes on.
Names are those of Kong's documentation; what each returns was observed on Kong 3.9.
"""

from collections.abc import Coroutine, Generator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from gatepass.plugin.headers import Header

MAX_HEADERS = 1000
"""Kong's own upper bound; nginx refuses requests with more."""


class Kind(IntEnum):
    """How an answer is read.

    TEXT: bytes, empty when there is nothing. NUMBER: int. HEADERS: a list of Header, repeated ones
    in the order in which they came. BODY: bytes, SpooledBody or BodyState.TOO_LARGE. SHARED: the
    bytes of a text in kong.ctx.shared, None for anything else.
    """

    TEXT = 1
    NUMBER = 2
    HEADERS = 3
    BODY = 4
    SHARED = 5


class Question(NamedTuple):
    """A function of the kit."""

    function: str
    kind: Kind
    argument: bytes | int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Questions that go out together; one is made once and known by itself, not by its content."""

    questions: tuple[Question, ...]


Answers = Sequence[Any]
"""One answer for each question of a batch, of the types that Kind says."""


@dataclass(frozen=True, slots=True)
class SpooledBody:
    """A request body that nginx wrote to a file, which lives until the response ends."""

    path: bytes


class ClearHeader(NamedTuple):
    """Take every header line of exactly this name, in any letter case, from the request."""

    name: bytes


class SetHeaders(NamedTuple):
    """Put these headers into the request, in place of those of the same names."""

    headers: tuple[Header, ...]


class Authenticate(NamedTuple):
    """Tell Kong's other plugins who calls; `consumer` is an id and a name, or None."""

    consumer: tuple[bytes, bytes] | None
    credential_id: bytes


class Share(NamedTuple):
    """Put a text or a list of texts into kong.ctx.shared."""

    key: bytes
    value: bytes | tuple[bytes, ...]


Command = ClearHeader | SetHeaders | Authenticate | Share


class Exit(NamedTuple):
    """Kong answers the client; nothing goes upstream."""

    status: int
    headers: tuple[Header, ...]
    body: bytes


class Proceed(NamedTuple):
    """Kong goes on, with these changes made.

    `commands` are the same tuple for the same caller, so that their encoding can be remembered.
    `request_id` is what Kong's later phases are told in our marker, None outside of access.
    """

    commands: tuple[Command, ...] = ()
    request_id: str | None = None


Ending = Exit | Proceed
NOTHING_TO_DO = Proceed()

Step = Batch | Coroutine[object, None, object]
Conversation = Generator[Step, Any, Ending]
"""An event: yields a batch and is sent the answers, or something to await and gets its value."""

HEAD = Batch(
    (
        Question("kong.request.get_headers", Kind.HEADERS, MAX_HEADERS),
        Question("kong.request.get_method", Kind.TEXT),
        Question("kong.request.get_path_with_query", Kind.TEXT),
        Question("kong.request.get_path", Kind.TEXT),
        Question("kong.nginx.get_var", Kind.TEXT, b"request_id"),
        Question("kong.client.get_forwarded_ip", Kind.TEXT),
    )
)
"""All that is known of a request without its body."""

HEAD_AND_CERTIFICATE = Batch(
    (*HEAD.questions, Question("kong.nginx.get_var", Kind.TEXT, b"ssl_client_escaped_cert"))
)
"""The same, and the client's certificate; no function of the kit that Kong accepts here has it."""

BODY = Batch((Question("kong.request.get_raw_body", Kind.BODY),))
