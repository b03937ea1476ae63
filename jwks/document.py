"""A key set document as it was loaded last: bytes, and what their server said about them."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Document:
    """What a source brought; `url` is where the entity tag counts, both None where there is none.

    `located` says that the address was found lately, and serves without a question.
    `fresh_seconds` is for how long its server says that it is good, None when it does not say.
    """

    content: bytes = field(repr=False)
    url: str | None = None
    etag: bytes | None = None
    fresh_seconds: float | None = None
    located: bool = False
