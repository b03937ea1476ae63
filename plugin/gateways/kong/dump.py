"""What `gatepass kong --dump` prints: all that Kong wants to know of us before it starts.

Kong waits for it at every start and reload, so this loads nothing that is not needed. What Kong
does not forgive: keys in other letters, a version that is not x.y.z. What it forgives and must not:
phases that it does not know, with which it runs without us.
"""

import json
from typing import Literal

from gatepass.plugin.gateways.kong.marker import (
    DEFAULT_PROFILE,
    MAX_PROFILE_CHARS,
    PHASES,
    PLUGIN_NAME,
    PRIORITY,
    PROFILE_FIELD,
    PROFILE_PATTERN,
)
from gatepass.plugin.version import VERSION

Protocol = Literal["ProtoBuf:1", "MsgPack:1"]

_PROTOCOLS = ("grpc", "grpcs", "http", "https")
_PROFILE = {
    "type": "string",
    "required": True,
    "default": DEFAULT_PROFILE,
    "len_min": 1,
    "len_max": MAX_PROFILE_CHARS,
    "match": PROFILE_PATTERN,
}
"""Not referenceable: a vault's reference that cannot be resolved arrives as the empty text."""


def dump(protocol: Protocol) -> str:
    """Return the document for Kong's query command, in which our server speaks `protocol`."""
    fields: list[dict[str, object]] = [
        # an instance for one consumer would run for nobody: we say who the consumer is
        {"consumer": {"type": "foreign", "reference": "consumers", "eq": None}},
        {
            "protocols": {
                "type": "set",
                "required": True,
                "default": list(_PROTOCOLS),
                "elements": {"type": "string", "one_of": list(_PROTOCOLS)},
            }
        },
        {"config": {"type": "record", "fields": [{PROFILE_FIELD: _PROFILE}]}},
    ]
    plugin = {
        "Name": PLUGIN_NAME,
        "Priority": PRIORITY,
        "Version": VERSION,
        "Phases": list(PHASES),
        "Schema": {"name": PLUGIN_NAME, "fields": fields},
    }
    return json.dumps({"Protocol": protocol, "Plugins": [plugin]})
