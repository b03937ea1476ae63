"""The path that APISIX matched a route by, and the target that the upstream gets (SEC-32, 33).

APISIX decodes and cleans the path before it looks for a route, tells us that path, and sends the
upstream the target as the client wrote it. So the target is asked for and judged; where it and the
cleaned path are more than two spellings of one plain path, the request is refused.
"""

from urllib.parse import unquote_to_bytes

from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.reasons import Reason


def check_one_path(target: bytes | None, normalized: bytes) -> bytes:
    """Return the target, compared with the path that APISIX made of it.

    Raises:
        RequestRefused: AMBIGUOUS_PATH.

    """
    if not target:
        raise RequestRefused(Reason.AMBIGUOUS_PATH)
    path = target.partition(b"?")[0]
    if path != normalized and (b"%" not in path or unquote_to_bytes(path) != normalized):
        raise RequestRefused(Reason.AMBIGUOUS_PATH)
    return target
