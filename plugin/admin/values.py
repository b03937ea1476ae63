"""The values of requests: money, durations, models, ids. Text and numbers in, integers out.

Money is dollars as a number or as text, a duration is text such as `30d`. What cannot be one is
refused with a fixed sentence that does not repeat it.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal
from unicodedata import is_normalized

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StrictBool,
    StrictInt,
    StrictStr,
    WithJsonSchema,
)

from gatepass.plugin.directory.changes.records import Models
from gatepass.plugin.directory.changes.writing import MAX_ID_CHARS
from gatepass.plugin.settings.budget_text import parse_period
from gatepass.plugin.settings.problems import BadValue
from gatepass.plugin.settings.units import parse_money
from gatepass.rbac.models import MAX_PATTERN_CHARS, compile_models
from gatepass.rbac.windows import Window

MAX_LISTED = 1000
_MAX_EXPONENT = 20
_WORDS = frozenset({"all", "none"})


class Body(BaseModel):
    """A request's body: closed to unknown members."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def says(self, *names: str) -> bool:
        """Answer whether one of these members is in the body, null or not."""
        return not self.model_fields_set.isdisjoint(names)


def _to_nano_usd(value: object) -> int:
    text = "" if isinstance(value, bool) else str(value)
    if isinstance(value, Decimal):  # an exponent could ask for a billion digits
        text = f"{value.normalize():f}" if abs(value.adjusted()) <= _MAX_EXPONENT else ""
    try:
        return parse_money(text)
    except BadValue as wrong:
        raise ValueError("must be an amount of dollars with at most 9 decimals") from wrong


def _to_window(value: object) -> Window:
    try:
        return parse_period(value if isinstance(value, str) else "")
    except BadValue as wrong:
        raise ValueError("must be a duration or a span of the calendar") from wrong


def _to_moment(value: object) -> int:
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "")
        seconds = moment.astimezone(UTC).timestamp()
    except (ValueError, OverflowError) as wrong:  # the latter: in UTC it is the year 10000
        raise ValueError("must be a time such as 2026-12-01T00:00:00Z") from wrong
    if moment.tzinfo is None or seconds < 0:
        raise ValueError("must be a time with its time zone, such as 2026-12-01T00:00:00Z")
    return int(seconds)


def _to_models(value: object) -> Models:
    if value == "all":
        return "all"
    if not isinstance(value, list) or len(value) > MAX_LISTED:
        raise ValueError('must be the word "all" or a list of model patterns')
    patterns = tuple(_to_pattern(item) for item in value)
    compile_models(patterns)
    return patterns


def _to_pattern(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError('must be the word "all" or a list of model patterns')
    if value.lower() in _WORDS:  # nobody means a model of this name
        raise ValueError('the word "all" stands without a list, and none is an empty list')
    return value


def _to_printable(value: str) -> str:
    if not value.isprintable():  # a store may have no place for it
        raise ValueError("must be printable characters")
    return value


def _to_id(value: object) -> str:
    fits = isinstance(value, str) and 0 < len(value) <= MAX_ID_CHARS
    if not fits or not str(value).isprintable() or str(value) != str(value).strip():
        raise ValueError("must be 1 to 256 printable characters without blanks around them")
    return str(value)


def _to_new_id(value: object) -> str:
    row_id = _to_id(value)
    if not is_normalized("NFKC", row_id):  # two rows would look like one
        raise ValueError("must be written in Unicode's compatible composed form (NFKC)")
    return row_id


Dollars = Annotated[
    int,
    PlainValidator(_to_nano_usd),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": 10**9},
                {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,9})?$"},
            ]
        }
    ),
]
"""An amount of dollars; nano-dollars inside."""

Duration = Annotated[
    Window,
    PlainValidator(_to_window),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^([1-9][0-9]{0,2}[smhd]|(day|week|month|quarter|year)( in UTC)?)$",
        }
    ),
]
"""How long a window is."""

Moment = Annotated[
    int,
    PlainValidator(_to_moment),
    WithJsonSchema({"type": "string", "pattern": "^20[0-9]{2}-0[1-9]-1[0-9]T1[0-9]:00:00Z$"}),
]
"""A moment; seconds since the epoch inside."""

Count = Annotated[StrictInt, Field(ge=0, le=10**15)]
"""A number of tokens or requests."""

ModelList = Annotated[
    Models,
    PlainValidator(_to_models),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "const": "all"},
                {
                    "type": "array",
                    "maxItems": MAX_LISTED,
                    "items": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": MAX_PATTERN_CHARS,
                    },
                },
            ]
        }
    ),
]
"""The word "all", or a list of patterns; an empty list is none."""

Id = Annotated[
    str,
    PlainValidator(_to_id),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_ID_CHARS}),
]
"""The id or the name of a row."""

NewId = Annotated[
    str,
    PlainValidator(_to_new_id),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_ID_CHARS}),
]
"""The id of a row that is made: of all spellings that look alike, the one."""

ModelPattern = Annotated[
    str, AfterValidator(_to_pattern), Field(min_length=1, max_length=MAX_PATTERN_CHARS)
]
Ids = Annotated[list[Id], Field(min_length=1, max_length=100)]
Flag = StrictBool
Text = Annotated[StrictStr, AfterValidator(_to_printable), Field(min_length=1, max_length=320)]
Version = Annotated[StrictInt, Field(ge=1, le=2**31 - 1)]
UserRole = Literal[
    "proxy_admin", "proxy_admin_viewer", "org_admin", "internal_user", "internal_user_viewer"
]
OrganizationRole = Literal["org_admin", "internal_user", "internal_user_viewer"]
TeamMemberRole = Literal["admin", "user"]
