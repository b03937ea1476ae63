"""The types that settings have: a check of values.py, and how an editor is told about it."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import (
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from gatepass.jwks.rules import ALGORITHMS
from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.gateways.apisix.bounds import MAX_BODY_BYTES
from gatepass.plugin.gateways.kong.bounds import Consumer
from gatepass.plugin.gateways.listener import Address
from gatepass.plugin.settings import values
from gatepass.plugin.settings.database_url import to_database_url
from gatepass.plugin.settings.grammar import (
    ModelChoice,
    to_claim_name,
    to_group_member,
    to_group_name,
    to_key_set,
    to_listed_pattern,
    to_model_choice,
    to_model_name,
    to_route,
    to_rule_choice,
)
from gatepass.plugin.settings.presets import PRESETS, to_preset
from gatepass.plugin.settings.redis_url import to_redis_url
from gatepass.rbac.roles import Precedence, Role

DURATION = "x-duration"
SIZE = "x-size"
"""Marks of a schema under construction: the default is still to be written in human units."""

_REFERENCE = r"\$\{.+\}"
_DURATION = r"[0-9]+[smhd]|0"
_MONEY = r"\$?[0-9]+(\.[0-9]{1,9})?|[0-9]+(\.[0-9]{1,9})? USD"

_AMOUNT = rf"(soft )?({_MONEY}|[0-9]+ (token|request)s?)"
_PERIOD = "(day|week|month|quarter|year)"


def _shaped(pattern: str, *kinds: str, **more: str) -> WithJsonSchema:
    """Return the schema of text of a shape; a reference may stand for it."""
    kind = ["string", *kinds] if kinds else "string"
    return WithJsonSchema({"type": kind, "pattern": f"^({pattern})$|{_REFERENCE}", **more})


_TEXT = WithJsonSchema({"type": "string", "minLength": 1})

Text = Annotated[str, PlainValidator(values.to_text), _TEXT]
Flag = Annotated[bool, PlainValidator(values.to_flag), WithJsonSchema({"type": "boolean"})]
Count = Annotated[int, PlainValidator(values.to_count), _shaped("[0-9]+", "integer")]
Money = Annotated[int, PlainValidator(values.to_money), _shaped(_MONEY, "number")]
BudgetText = Annotated[
    BudgetTemplate,
    PlainValidator(values.to_budget),
    _shaped(rf"{_AMOUNT}( and {_AMOUNT})*( per ({_DURATION}|{_PERIOD}( in \S+)?))?", "number"),
]
_SECONDS = _shaped(_DURATION, **{DURATION: ""})
Leeway = Annotated[int, PlainValidator(values.to_seconds(0, 60)), _SECONDS]
ShortTime = Annotated[int, PlainValidator(values.to_seconds(1, 60)), _SECONDS]
AnswerAge = Annotated[int, PlainValidator(values.to_seconds(0, 3600)), _SECONDS]
RefusalAge = Annotated[int, PlainValidator(values.to_seconds(1, 600)), _SECONDS]
Time = Annotated[int, PlainValidator(values.to_seconds(1, 30 * 86_400)), _SECONDS]
OutageTime = Annotated[int, PlainValidator(values.to_seconds(0, 86_400)), _SECONDS]
LongTime = Annotated[int, PlainValidator(values.to_seconds(1, 3650 * 86_400)), _SECONDS]
_SIZE = _shaped("[0-9]+[KM]iB", **{SIZE: ""})
BodySize = Annotated[int, PlainValidator(values.to_bytes(64 * 1024 * 1024)), _SIZE]
MemorySize = Annotated[int, PlainValidator(values.to_bytes(4096 * 1024 * 1024)), _SIZE]
FrameBodySize = Annotated[int, PlainValidator(values.to_bytes(MAX_BODY_BYTES)), _SIZE]

Algorithm = Annotated[
    str,
    PlainValidator(values.to_algorithm),
    WithJsonSchema({"type": "string", "enum": sorted(ALGORITHMS)}),
]
RoleName = Annotated[
    Role,
    PlainValidator(values.to_role),
    WithJsonSchema({"type": "string", "enum": [role.value for role in Role]}),
]
PresetName = Annotated[
    str,
    PlainValidator(to_preset),
    WithJsonSchema({"type": "string", "enum": sorted(PRESETS)}),
]

PrecedenceName = Annotated[
    Precedence,
    PlainValidator(values.to_one_of(Precedence)),
    WithJsonSchema({"type": "string", "enum": [precedence.value for precedence in Precedence]}),
]

ClaimName = Annotated[str, PlainValidator(to_claim_name), _TEXT]
HeaderName = Annotated[str, PlainValidator(values.to_header_name), _TEXT]
TokenHeaderName = Annotated[str, PlainValidator(values.to_token_header_name), _TEXT]
HostName = Annotated[
    str,
    PlainValidator(
        values.to_matching(
            r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|[0-9a-f:.]{2,45}",
            "not a host; write its name or address in lower case, without scheme, port and path",
        )
    ),
    _TEXT,
]
ScopeName = Annotated[
    str,
    PlainValidator(
        values.to_matching(r"[!#-\[\]-~]{1,255}", "not one scope (RFC 6749 section 3.3)")
    ),
    _TEXT,
]
"""One scope, without blanks: a list of scopes here would match no token."""

EmailDomain = Annotated[
    str,
    PlainValidator(
        values.to_matching(
            r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+",
            "not a domain; write it in lower case, without @ and without *",
        )
    ),
    _TEXT,
]
FunctionName = Annotated[
    str,
    PlainValidator(
        values.to_matching(
            r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", "write it like package.module:function"
        )
    ),
    _TEXT,
]
PlainName = Annotated[
    str,
    PlainValidator(
        values.to_matching(
            r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}",
            "a name here has 1 to 64 letters, digits, and . _ - after the first",
        )
    ),
    _TEXT,
]
Network = Annotated[IPv4Network | IPv6Network, PlainValidator(values.to_network), _TEXT]
OpenedNetwork = Annotated[
    IPv4Network | IPv6Network, PlainValidator(values.to_opened_network), _TEXT
]
ProxyUrl = Annotated[
    str,
    PlainValidator(values.to_proxy),
    WithJsonSchema({"type": "string", "examples": ["http://proxy.example.com:3128"]}),
]
Listen = Annotated[
    Address,
    PlainValidator(values.to_address),
    WithJsonSchema(
        {"type": "string", "examples": ["127.0.0.1:8700", "[::1]:8700", "unix:/run/gate.sock"]}
    ),
]
SocketPath = Annotated[
    Path,
    PlainValidator(values.to_socket_path),
    WithJsonSchema({"type": "string", "examples": ["/run/gatepass/kong.sock"]}),
]
FileMode = Annotated[int, PlainValidator(values.to_file_mode), _shaped("0?[0-7]{2}0")]
AccountName = Annotated[
    str,
    PlainValidator(
        values.to_matching(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}", "not the name of an account or group")
    ),
    _TEXT,
]
SecretToken = Annotated[
    str,
    PlainValidator(
        values.to_matching(
            r"[A-Za-z0-9._~+/=-]{32,512}",
            "not a token; write 32 to 512 letters, digits and . _ ~ + / = - of a random source",
        )
    ),
    _TEXT,
]
ConsumerName = Annotated[
    Consumer,
    PlainValidator(values.to_consumer),
    WithJsonSchema({"type": "string", "enum": [kind.value for kind in Consumer]}),
]
Route = Annotated[str, PlainValidator(to_route), _TEXT]
GroupName = Annotated[str, PlainValidator(to_group_name), _TEXT]
GroupMember = Annotated[str, PlainValidator(to_group_member), _TEXT]
ModelPattern = Annotated[str, PlainValidator(to_listed_pattern), _TEXT]
ModelName = Annotated[str, PlainValidator(to_model_name), _TEXT]
_MODELS = WithJsonSchema(
    {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
)
Models = Annotated[ModelChoice, PlainValidator(to_rule_choice), _MODELS]
RowModels = Annotated[ModelChoice, PlainValidator(to_model_choice), _MODELS]
"""The list of a row may name the models of a team as well."""

KeySetDocument = Annotated[
    bytes,
    PlainValidator(to_key_set),
    WithJsonSchema({"anyOf": [{"type": "object", "required": ["keys"]}, {"type": "string"}]}),
]


class _OneForMany:
    """Lets one value stand for a list of one."""

    def __get_pydantic_core_schema__(
        self, source: type[object], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_listed, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        many = handler(schema)
        return {"anyOf": [many["items"], many]}


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Item = TypeVar("Item")
AnyNumber = Annotated[tuple[Item, ...], _OneForMany()]
AtLeastOne = Annotated[tuple[Item, ...], Field(min_length=1), _OneForMany()]

RedisUrl = Annotated[
    str,
    PlainValidator(to_redis_url),
    WithJsonSchema({"type": "string", "examples": ["redis://127.0.0.1:6379/0"]}),
]
DatabaseUrl = Annotated[
    str,
    PlainValidator(to_database_url),
    WithJsonSchema({"type": "string", "examples": ["sqlite:///gatepass.db"]}),
]
