"""`gatepass kong --dump`: what Kong asks for at its start; it loads nothing that is not needed.

stdout is Kong's and holds the document alone; what stderr says shows where Kong was started.
"""

import sys
from typing import TYPE_CHECKING

from gatepass.plugin.gateways.kong.dump import dump

if TYPE_CHECKING:
    from gatepass.plugin.gateways.kong.dump import Protocol

_PROTOCOLS: "dict[str, Protocol]" = {"protobuf": "ProtoBuf:1", "msgpack": "MsgPack:1"}

_FAILS_OPEN = """\
gatepass: WARNING: with MsgPack, Kong lets every request through while the plugin server is dead,
gatepass: WARNING: hung or restarting. Speak protobuf from Kong 3.8 on; before that, put the guard
gatepass: WARNING: of `gatepass kong config` into Kong, which refuses what Gatepass has not judged.
"""


def run_dump(protocol: str) -> int:
    """Print the document; return the exit status."""
    spoken = _PROTOCOLS.get(protocol)
    if spoken is None:
        sys.stderr.write(f"gatepass: --protocol: one of {', '.join(_PROTOCOLS)}\n")
        return 2
    if protocol == "msgpack":
        sys.stderr.write(_FAILS_OPEN)
    sys.stdout.write(dump(spoken) + "\n")
    return 0
