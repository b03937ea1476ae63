"""The messages of ProtoBuf:1 and the methods that Kong accepts, as tables.

A field is written `name number kind`; `*` after the kind repeats it, `?` makes it a member of a
oneof. Which message a method takes and gives stands in METHODS; what Kong does not accept at all
(get_raw_path and others) is absent from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    number: int
    kind: str
    repeated: bool
    chosen: bool
    """One of several: on the wire also when it holds nothing."""


_MESSAGES = """
RpcCall: sequence 1 int64, cmd_get_plugin_names 31 Empty?, cmd_get_plugin_info 32 Named?,
  cmd_start_instance 33 StartInstance?, cmd_get_instance_status 34 Instance?,
  cmd_close_instance 35 Instance?, cmd_handle_event 36 HandleEvent?
RpcReturn: sequence 1 int64, plugin_names 31 Names?, plugin_info 32 Info?,
  instance_status 33 InstanceStatus?
Empty:
Named: name 1 string
Names: names 1 string*
StartInstance: name 1 string, config 2 bytes
Instance: instance_id 1 int32
HandleEvent: instance_id 1 int32, event_name 2 string
Info: name 1 string, updated_at 2 int64, loaded_at 3 int64, phases 4 string*, version 5 string,
  priority 6 int32, schema 7 string
InstanceStatus: name 1 string, instance_id 2 int32, config 3 Value, started_at 4 int64
Bool: v 1 bool
Int: v 1 int32
Number: v 1 double
String: v 1 string
ByteString: v 1 bytes
KV: k 1 string, v 2 Value
ExitArgs: status 1 int32, body 2 bytes, headers 3 Struct
RawBodyResult: content 1 bytes?, body_filepath 2 string?, error 3 string?
UriCapturesResult: unnamed 1 bytes*
Target: host 1 string, port 2 int32
ConsumerSpec: id 1 string, by_username 2 bool
Consumer: id 1 string, created_at 2 int64, username 3 string, custom_id 4 string, tags 5 string*
AuthenticatedCredential: id 1 string, consumer_id 2 string
AuthenticateArgs: consumer 1 Consumer, credential 2 AuthenticatedCredential
Key: id 1 string
Route: id 1 string, created_at 2 int64, updated_at 3 int64, name 4 string, protocols 5 string*,
  methods 6 string*, hosts 7 string*, paths 8 string*, headers 9 string*,
  https_redirect_status_code 10 int32, regex_priority 11 int32, strip_path 12 bool,
  preserve_host 13 bool, snis 14 string*, sources 15 string*, destinations 16 string*,
  tags 17 string*, service 18 Key
Service: id 1 string, created_at 2 int64, updated_at 3 int64, name 4 string, retries 5 int32,
  protocol 6 string, host 7 string, port 8 int32, path 9 string, connect_timeout 10 int32,
  write_timeout 11 int32, read_timeout 12 int32, tags 13 string*, client_certificate 14 Key
MemoryStats: lua_shared_dicts 1 SharedDicts, workers_lua_vms 2 LuaVm*
SharedDicts: kong 1 SharedDict, kong_db_cache 2 SharedDict
SharedDict: allocated_slabs 1 int64, capacity 2 int64
LuaVm: http_allocated_gc 1 int64, pid 2 int64
"""

_METHODS = """
client: authenticate AuthenticateArgs Empty, get_consumer Empty Consumer,
  get_credential Empty AuthenticatedCredential, get_forwarded_ip Empty String,
  get_forwarded_port Empty Int, get_ip Empty String, get_port Empty Int,
  get_protocol Bool String, load_consumer ConsumerSpec Consumer
ctx.shared: get String Value, set KV Empty
ip: is_trusted String Bool
log: alert ListValue Empty, crit ListValue Empty, debug ListValue Empty, err ListValue Empty,
  info ListValue Empty, notice ListValue Empty, serialize Empty String,
  set_serialize_value KV Empty, warn ListValue Empty
nginx: get_ctx String Value, get_subsystem Empty String, get_tls1_version_str Empty String,
  get_var String String, req_start_time Empty Number, set_ctx KV String
node: get_id Empty String, get_memory_stats Empty MemoryStats
request: get_forwarded_host Empty String, get_forwarded_port Empty Int,
  get_forwarded_scheme Empty String, get_header String String, get_headers Int Struct,
  get_host Empty String, get_http_version Empty Number, get_method Empty String,
  get_path Empty String, get_path_with_query Empty String, get_port Empty Int,
  get_query Int Struct, get_query_arg String String, get_raw_body Empty RawBodyResult,
  get_raw_query Empty String, get_scheme Empty String, get_uri_captures Empty UriCapturesResult
response: add_header KV Empty, clear_header String Empty, exit ExitArgs Empty,
  get_header String String, get_headers Int Struct, get_source Empty String,
  get_status Empty Int, set_header KV Empty, set_headers Struct Empty, set_status Int Empty
router: get_route Empty Route, get_service Empty Service
service.request: add_header KV Empty, clear_header String Empty, set_header KV Empty,
  set_headers Struct Empty, set_method String Empty, set_path String Empty,
  set_query Struct Empty, set_raw_body ByteString Empty, set_raw_query String Empty,
  set_scheme String Empty
service.response: get_header String String, get_headers Int Struct,
  get_raw_body Empty ByteString, get_status Empty Int
service: set_target Target Empty, set_upstream String Bool
"""


def _entries(table: str) -> dict[str, list[list[str]]]:
    """Split a table into its paragraphs, and each of those into words."""
    paragraphs = table.replace("\n  ", " ").strip().splitlines()
    pairs = (paragraph.split(":", 1) for paragraph in paragraphs)
    return {
        name: [entry.split() for entry in rest.split(",") if entry.strip()] for name, rest in pairs
    }


def _field(number: str, kind: str) -> Field:
    return Field(int(number), kind.rstrip("*?"), kind.endswith("*"), kind.endswith("?"))


MESSAGES: Mapping[str, Mapping[str, Field]] = {
    name: {field: _field(number, kind) for field, number, kind in entries}
    for name, entries in _entries(_MESSAGES).items()
}

METHODS: Mapping[str, tuple[str, str]] = {
    f"kong.{group}.{method}": (takes, gives)
    for group, entries in _entries(_METHODS).items()
    for method, takes, gives in entries
}
