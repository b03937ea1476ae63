"""The two pieces of Lua that Kong's bundled post-function runs for us.

The guard, in the access phase: whatever has not been let through by us ends in a 503, so that a
Kong which goes on without its plugin server (MsgPack; an instance that was switched off) stays
closed. The usage snippet, in the body filter: the first and the last bytes of a model's answer are
kept for our log phase, without holding the answer up. It reads the body and never writes it.

Written for Kong's sandbox, without `require`. Kong runs one instance of a plugin per request: both
belong into the same, and a more specific instance of post-function needs them again.
"""

from gatepass.plugin.decision import error_body
from gatepass.plugin.gateways.kong.marker import (
    MARKER,
    MARKER_PREFIX,
    RESPONSE_HEAD,
    RESPONSE_TAIL,
)
from gatepass.plugin.gateways.lua import (
    KEPT_HEAD_BYTES,
    NOTHING_KEPT,
    TAIL_BYTES,
    filled,
    keep_the_ends,
)
from gatepass.plugin.metering.event_stream import CONTENT_TYPE
from gatepass.plugin.reasons import Reason

_IS_MARKED = (
    f'type(marker) == "string" and #marker > {len(MARKER_PREFIX)}'
    f' and string.sub(marker, 1, {len(MARKER_PREFIX)}) == "{MARKER_PREFIX}"'
)
"""Mere truth is not enough: a null arrives in Lua as the text NULL_VALUE."""

_STATE = "gatepass_kept"

GUARD_TITLE = "-- Gatepass guard:"
USAGE_TITLE = "-- Gatepass usage:"
"""How the pieces begin in every version, so that an outdated one is known for what it is."""

_GUARD = """\
@TITLE@ no request goes on that Gatepass has not let through.
local marker = kong.ctx.shared.@MARKER@
if not (@IS_MARKED@) then
  return kong.response.exit(@STATUS@, [==[@BODY@]==],
    { ["Content-Type"] = "application/json" })
end
"""

_USAGE = """\
@TITLE@ the first @KEPT_HEAD_BYTES@ and the last @TAIL_BYTES@ bytes of a model's answer.
local shared = kong.ctx.shared
local kept = shared.@STATE@
if kept == nil then
  local marker = shared.@MARKER@
  local kind = kong.response.get_header("Content-Type")
  kind = type(kind) == "string" and string.lower(kind) or ""
  kept = @IS_MARKED@
    and (string.find(kind, "application/json", 1, true) == 1
      or string.find(kind, "text/event-stream", 1, true) == 1
      or string.find(kind, "@AMAZON@", 1, true) == 1)
    and kong.response.get_header("Content-Encoding") == nil
    and @NOTHING_KEPT@
  shared.@STATE@ = kept
end
if kept then
  @KEEP@
  if last then -- what a client cut off says what it had cost by then, and no more
    shared.@HEAD@, shared.@TAIL@ = kept.head, kept.parts[1]
  end
end
"""


def guard() -> str:
    """Return the Lua for `config.access`: a 503 with our error body unless the marker is set."""
    body = error_body(Reason.INTERNAL).decode()
    return _filled(_GUARD, TITLE=GUARD_TITLE, STATUS=str(Reason.INTERNAL.status), BODY=body)


def usage_snippet() -> str:
    """Return the Lua for `config.body_filter`: the ends of a JSON answer or of a stream of events.

    At most about 40 KiB per running answer, whatever the sizes of its chunks; nothing is kept of
    what is compressed.
    """
    return _filled(
        _USAGE,
        TITLE=USAGE_TITLE,
        STATE=_STATE,
        AMAZON=CONTENT_TYPE,
        HEAD=RESPONSE_HEAD,
        TAIL=RESPONSE_TAIL,
        KEPT_HEAD_BYTES=str(KEPT_HEAD_BYTES),
        TAIL_BYTES=str(TAIL_BYTES),
        NOTHING_KEPT=NOTHING_KEPT,
        KEEP=keep_the_ends(2),
    )


def _filled(template: str, **values: str) -> str:
    return filled(template, MARKER=MARKER, IS_MARKED=_IS_MARKED, **values)
