"""The settings of alerts: who is told that a limit is nearly used up, and when."""

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from gatepass.plugin.settings.fields import AtLeastOne, SecretToken
from gatepass.plugin.settings.problems import BadValue, Finding, repeated
from gatepass.plugin.settings.section import Section
from gatepass.plugin.settings.values import to_count, to_text

_URL = re.compile(
    r"https://[A-Za-z0-9.\-\[\]:]+(/[!-~]*)?|http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?(/[!-~]*)?"
)
_WHOLE = 100


def _to_url(value: object) -> str:
    text = to_text(value)
    if not _URL.fullmatch(text):
        raise BadValue("not a URL that can be used; write https://, or http:// to this machine")
    return text


def _to_percentage(value: object) -> int:
    number = to_count(value)
    if not 1 <= number <= _WHOLE:
        raise BadValue("must be from 1 to 100")
    return number


Url = Annotated[
    str,
    PlainValidator(_to_url),
    WithJsonSchema({"type": "string", "pattern": r"^https?://|\$\{.+\}"}),
]
Percentage = Annotated[
    int,
    PlainValidator(_to_percentage),
    WithJsonSchema({"type": ["string", "integer"], "minimum": 1, "maximum": _WHOLE}),
]


class AlertSettings(Section):
    """Who is told that a limit is nearly used up."""

    url: Url = Field(description="Where a signed POST goes; https, or http to this machine.")
    secret: SecretToken = Field(description="What it is signed with: HMAC-SHA256.")
    thresholds: AtLeastOne[Percentage] = Field(
        default=(80, 100),
        json_schema_extra={"default": [80, 100]},
        description="Percentages of a hard limit; a soft limit is a threshold of its own.",
    )

    def cross_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        """Yield thresholds that stand twice."""
        if "thresholds" in right:
            yield from repeated(
                [(("thresholds", index), percent) for index, percent in enumerate(self.thresholds)],
                "the same percentage stands above",
            )
