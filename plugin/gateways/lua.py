"""Lua that gateways run for us, as far as it is the same in each: keeping the ends of a response.

A body filter sees every chunk of a response, and must not hold it up. The piece here keeps the
first and the last bytes in a table `kept`, whatever the sizes of the chunks, and leaves `last` true
when no more will come; then `kept.parts[1]` is the tail. It reads the body and never writes it.
"""

from textwrap import indent

KEPT_HEAD_BYTES = 1024
TAIL_BYTES = 8 * 1024

_MAX_PARTS = 64

NOTHING_KEPT = '{ head = "", parts = {}, count = 0, bytes = 0 }'
"""What `kept` is at first."""

_KEEP = """\
local chunk, last = ngx.arg[1], ngx.arg[2]
if type(chunk) == "string" and chunk ~= "" then
  local room = @KEPT_HEAD_BYTES@ - #kept.head
  if room > 0 then
    kept.head = kept.head .. string.sub(chunk, 1, room)
  end
  if #chunk > @TAIL_BYTES@ then
    chunk = string.sub(chunk, -@TAIL_BYTES@)
  end
  kept.count = kept.count + 1
  kept.bytes = kept.bytes + #chunk
  kept.parts[kept.count] = chunk
end
if last or kept.count == @MAX_PARTS@ or kept.bytes >= @FULL_BYTES@ then
  local tail = string.sub(table.concat(kept.parts), -@TAIL_BYTES@)
  kept.parts, kept.count, kept.bytes = { tail }, 1, #tail
end"""


def keep_the_ends(spaces: int) -> str:
    """Return the Lua, indented by so many spaces but for its first line.

    At most about 40 KiB are kept of a running response.
    """
    lua = filled(
        _KEEP,
        KEPT_HEAD_BYTES=str(KEPT_HEAD_BYTES),
        TAIL_BYTES=str(TAIL_BYTES),
        FULL_BYTES=str(2 * TAIL_BYTES),
        MAX_PARTS=str(_MAX_PARTS),
    )
    return indent(lua, " " * spaces).lstrip()


def filled(template: str, **values: str) -> str:
    """Return a piece of Lua with every `@NAME@` replaced, also in what was put in before."""
    for name, value in values.items():
        template = template.replace(f"@{name}@", value)
    return template
