"""The path that Kong routes on, and whether the upstream could read another one (SEC-32, 33).

Kong decodes and normalizes the path before it looks for a route, and sends the upstream what came
of it. It shows both: the request target as it came, and the path after all that. Where the two are
more than two spellings of the same plain path, the request is refused.
"""

import re

from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.reasons import Reason

_ENCODED = re.compile(rb"%([0-9A-Fa-f]{2})")
_KEPT = frozenset(b"!#$%&'()*+,/:;=?@[]")
"""The octets whose encoding Kong leaves alone."""


def check_one_path(target: bytes, normalized: bytes) -> None:
    """Compare the target as it came with the path that Kong made of it.

    Raises:
        RequestRefused: AMBIGUOUS_PATH.

    """
    path = target.partition(b"?")[0]
    if path == normalized and b"%" not in path:
        return
    if _ENCODED.sub(_as_kong_spells_it, path) != normalized:
        raise RequestRefused(Reason.AMBIGUOUS_PATH)


def _as_kong_spells_it(encoded: re.Match[bytes]) -> bytes:
    octet = int(encoded[1], 16)
    return encoded[0].upper() if octet in _KEPT else bytes((octet,))
