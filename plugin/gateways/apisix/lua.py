"""The two pieces of Lua that APISIX's bundled serverless plugins run for us.

The mark, in the rewrite phase behind our decision: the id of a request that was let through goes
into a variable, because a refused one, which APISIX logs as well, could bring any header. The usage
snippet, in the body filter: of a model's answer or stream it keeps the ends, and when the response
is complete it leaves in two variables, for http-logger, what stands from its last usage on, and of
Anthropic's streams the two events that have one. What a model wrote does not leave the gateway;
what is not ASCII is replaced, because one octet of it could make a whole batch of records
unreadable. Neither piece writes the body.
"""

from gatepass.plugin.gateways.apisix.names import (
    REQUEST_VARIABLE,
    USAGE_HEAD_VARIABLE,
    USAGE_VARIABLE,
)
from gatepass.plugin.gateways.apisix.verdict import REQUEST_ID_VARIABLE
from gatepass.plugin.gateways.lua import (
    HEAD_BYTES,
    NOTHING_KEPT,
    TAIL_BYTES,
    filled,
    keep_the_ends,
)

MARK_TITLE = "-- Gatepass mark:"
USAGE_TITLE = "-- Gatepass usage:"
"""How the pieces begin in every version, so that an outdated one is known for what it is."""

MOST_BYTES = 4096
"""What is longer, from its usage on, says nothing."""

_MARK = """\
@TITLE@ the id of a request that Gatepass has let through.
return function(_, ctx)
  ctx.var.@REQUEST@ = ctx.var.@HEADER@
end
"""

_USAGE = """\
@TITLE@ what a model's answer says that it used, from its first @HEAD_BYTES@ and its last
-- @TAIL_BYTES@ bytes.
local KEY = '[{,]%s*"usage'
local FROM_KEY = '^.*([{,]%s*"usage.*)$'
local EVENT = '^data:.*"type"%s*:%s*"message_'

local function begins(text, start)
  return string.find(text, start, 1, true) == 1
end

local function lines_with_usage(text)
  local first, last
  for line in string.gmatch(text, "[^\\r\\n]+") do
    if string.find(line, KEY) then
      first, last = first or line, line
    end
  end
  return first, last
end

local function told(text)
  if text and not string.find(text, EVENT) then
    text = string.match(text, FROM_KEY)
  end
  if text and #text <= @MOST_BYTES@ then
    return (string.gsub(text, "[^\\t\\n\\r\\32-\\126]", "?"))
  end
end

return function(_, ctx)
  local kept = ctx.gatepass_kept
  if kept == nil then
    local kind = ngx.header["Content-Type"]
    kind = type(kind) == "string" and string.lower(kind) or ""
    local stream = begins(kind, "text/event-stream")
    kept = ctx.var.@REQUEST@ ~= nil
      and (stream or begins(kind, "application/json"))
      and ngx.header["Content-Encoding"] == nil
      and @NOTHING_KEPT@
    if kept then
      kept.stream = stream
    end
    ctx.gatepass_kept = kept
  end
  if not kept then
    return
  end
  @KEEP@
  if last then
    local tail = kept.parts[1]
    if kept.stream then
      local first = lines_with_usage(string.match(kept.head, "^.*[\\r\\n]") or "")
      local _, final = lines_with_usage(tail)
      first = first and string.find(first, EVENT) and told(first)
      ctx.var.@USAGE_HEAD@ = (first or "data:") .. "\\n"
      ctx.var.@USAGE@ = told(final)
    else
      ctx.var.@USAGE@ = told(tail)
    end
  end
end
"""


def mark_snippet() -> str:
    """Return the Lua for serverless-pre-function, phase rewrite."""
    return filled(_MARK, TITLE=MARK_TITLE, REQUEST=REQUEST_VARIABLE, HEADER=REQUEST_ID_VARIABLE)


def usage_snippet() -> str:
    """Return the Lua for serverless-post-function, phase body_filter."""
    return filled(
        _USAGE,
        TITLE=USAGE_TITLE,
        REQUEST=REQUEST_VARIABLE,
        USAGE_HEAD=USAGE_HEAD_VARIABLE,
        USAGE=USAGE_VARIABLE,
        HEAD_BYTES=str(HEAD_BYTES),
        TAIL_BYTES=str(TAIL_BYTES),
        MOST_BYTES=str(MOST_BYTES),
        NOTHING_KEPT=NOTHING_KEPT,
        KEEP=keep_the_ends(2),
    )
