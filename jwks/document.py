"""What was fetched and what was loaded: bytes, and what their server said about them."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server answered; `body` is None when it said that nothing changed.

    `etag` names this version of the document. `fresh_seconds` is for how long the server says that
    its answer is good, None when it does not say.
    """

    body: bytes | None = field(repr=False)
    etag: bytes | None = None
    fresh_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A key set document as it was loaded last; `url` is where the entity tag counts."""

    content: bytes = field(repr=False)
    url: str | None = None
    etag: bytes | None = None
    fresh_seconds: float | None = None
