"""The two pieces of Lua that APISIX's bundled serverless plugins run for us.

The mark, in the rewrite phase behind our decision: the id of a request that was let through goes
into a variable, because a refused one, which APISIX logs as well, could bring any header. The usage
snippet, in the body filter: of a model's answer or stream it keeps the ends, and when the response
is complete it leaves its usage for http-logger in two variables, and of Anthropic's streams the two
events that have one.

A usage counts by where it stands, which what follows up to the end of its document tells: at the
top, in an element of a list at the top, or, where the stream is one of the Responses API, in its
`response`. Text that a model wrote, and what a client sent and the upstream repeats, stand in
strings or deeper. Neither leaves the gateway; what is not ASCII is replaced, because one octet of
it could make a whole batch of records unreadable. Neither piece writes the body.
"""

from gatepass.plugin.gateways.apisix.names import (
    REQUEST_ID_VARIABLE,
    REQUEST_VARIABLE,
    USAGE_HEAD_VARIABLE,
    USAGE_VARIABLE,
)
from gatepass.plugin.gateways.lua import (
    KEPT_HEAD_BYTES,
    NOTHING_KEPT,
    TAIL_BYTES,
    filled,
    keep_the_ends,
)

MARK_TITLE = "-- Gatepass mark:"
USAGE_TITLE = "-- Gatepass usage:"
"""How the pieces begin in every version, so that an outdated one is known for what it is."""

MOST_BYTES = 4096
"""A usage or an event that is longer says nothing."""

_MARK = """\
@TITLE@ the id of a request that Gatepass has let through.
return function(_, ctx)
  ctx.var.@REQUEST@ = ctx.var.@HEADER@
end
"""

_USAGE = """\
@TITLE@ what a model's answer says that it used, from its first @KEPT_HEAD_BYTES@ and its last
-- @TAIL_BYTES@ bytes.
local HINT = '[{,]%s*()"usage'
local KEY = '^"(usage%a*)"%s*:%s*(){'
local NAMES = { usage = true, usageMetadata = true }
local MESSAGE = '^data:.*"type"%s*:%s*"message_'
local LINE = "[^\\r\\n]+"

local function begins(text, start)
  return string.find(text, start, 1, true) == 1
end

local function of_responses(line)
  return string.find(line, "^event:%s*response%.")
    or string.find(line, '^data:%s*{%s*"type"%s*:%s*"response%.')
    or string.find(line, '^data:%s*{%s*"response"%s*:%s*{')
end

local function is_of_responses(text)
  for line in string.gmatch(text, LINE) do
    if of_responses(line) then
      return true
    end
  end
  return false
end

local function told(text)
  if #text <= @MOST_BYTES@ then
    return (string.gsub(text, "[^\\t\\n\\r\\32-\\126]", "?"))
  end
end

local function behind_string(text, at)
  while true do
    at = string.find(text, '["\\\\]', at)
    if not at then
      return #text + 1, false
    elseif string.byte(text, at) == 34 then
      return at + 1, true
    end
    at = at + 2
  end
end

-- The last usage that stands where one belongs, in a document of which the beginning may be gone:
-- at its top, or one level below.
local function usage_in(text, below)
  local at = string.match(text, HINT)
  local found, depth, closed, closed_at, ended = {}, 0, 0, 0, true
  while at and ended do
    at = string.find(text, '["{}%[%]]', at)
    local mark = at and string.sub(text, at, at)
    if mark == '"' then
      local name, value = string.match(text, KEY, at)
      if NAMES[name] then
        found[#found + 1] = { name = name, value = value, level = depth - closed }
      end
      at, ended = behind_string(text, at + 1)
    elseif mark then
      if mark == "{" or mark == "[" then
        depth = depth + 1
      elseif depth > 0 then
        depth = depth - 1
      else
        closed, closed_at = closed + 1, at
      end
      at = at + 1
    end
  end
  if not ended or depth > 0 or not string.find(text, "^%s*$", closed_at + 1) then
    return
  end
  for number = #found, 1, -1 do
    local one = found[number]
    local levels = one.level + closed
    if levels == 1 or levels == 2 and below then
      return told('{"' .. one.name .. '":' .. string.match(text, "%b{}", one.value) .. "}")
    end
  end
end

local function last_report(text, below)
  local last
  for line in string.gmatch(text, LINE) do
    if string.find(line, HINT) then
      if string.find(line, MESSAGE) then
        last = told(line)
      else
        local usage = usage_in(line, below or of_responses(line))
        last = usage and "data: " .. usage or last
      end
    end
  end
  return last
end

local function first_report(text)
  for line in string.gmatch(string.match(text, "^.*[\\r\\n]") or "", LINE) do
    if string.find(line, HINT) then
      return string.find(line, MESSAGE) and told(line)
    end
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
      ctx.var.@USAGE_HEAD@ = (first_report(kept.head) or "data:") .. "\\n"
      ctx.var.@USAGE@ = last_report(tail, is_of_responses(kept.head))
    else
      ctx.var.@USAGE@ = usage_in(tail, string.find(kept.head, "^%s*%["))
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
        KEPT_HEAD_BYTES=str(KEPT_HEAD_BYTES),
        TAIL_BYTES=str(TAIL_BYTES),
        MOST_BYTES=str(MOST_BYTES),
        NOTHING_KEPT=NOTHING_KEPT,
        KEEP=keep_the_ends(2),
    )
