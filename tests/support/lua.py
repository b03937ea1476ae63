"""Lua as Kong's post-function runs it, under LuaJIT: our own description of what it may call.

A piece sees `kong`, `ngx` and a few functions of Lua, and no global of anybody else. Text is bytes,
as Lua has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

_KONG = r"""
local lower = string.lower
local request = { shared = {}, headers = {}, exit = nil, chunk = nil, last = false }
local kong = {
  ctx = { shared = setmetatable({}, {
    __index = function(_, key) return request.shared[key] end,
    __newindex = function(_, key, value) request.shared[key] = value end,
  }) },
  response = {
    get_header = function(name) return request.headers[lower(name)] end,
    exit = function(status, body, headers)
      request.exit = { status = status, body = body, headers = headers }
      error(request.exit)
    end,
  },
}
local ngx = { arg = setmetatable({}, {
  __index = function(_, at) if at == 1 then return request.chunk end return request.last end,
  __newindex = function() error("the body is nobody's to change") end,
}) }
local function only(module, ...)
  local part = {}
  for _, name in ipairs({ ... }) do part[name] = module[name] end
  return setmetatable(part, { __newindex = function() error("protected") end })
end
local function environment()
  return setmetatable({
    kong = kong, ngx = ngx, type = type, tostring = tostring, tonumber = tonumber, pairs = pairs,
    string = only(string, "sub", "find", "lower", "byte", "match"),
    table = only(table, "concat", "insert", "remove"),
  }, {
    __index = function(_, name) error("no global of the sandbox: " .. name) end,
    __newindex = function(_, name) error("a global is written: " .. name) end,
  })
end
function request.load(source)
  local piece = assert(loadstring(source))
  request.piece = setfenv(piece, environment())
end
function request.run()
  request.exit = nil
  local fine, problem = pcall(request.piece)
  if not fine and problem ~= request.exit then error(problem) end
end
function request.feed(chunk, times)
  local most = 0
  for _ = 1, times do
    request.chunk, request.last = chunk, false
    request.piece()
    local kept = request.shared.gatepass_kept
    if kept then
      local held = #kept.head
      for _, part in pairs(kept.parts) do held = held + #part + 40 end
      if held > most then most = held end
    end
  end
  return most
end
function request.finish(chunk)
  request.chunk, request.last = chunk, true
  request.piece()
end
return request
"""


@dataclass(frozen=True, slots=True)
class Exit:
    """What a piece answered the client with, instead of going on."""

    status: int
    body: bytes
    headers: Mapping[bytes, bytes]


def new_runtime() -> Any:  # noqa: ANN401 - lupa ships no types
    """Return a LuaJIT that knows nothing of Kong; its text is bytes."""
    return import_module("lupa.luajit21").LuaRuntime(encoding=None, register_eval=False)


class LuaRequest:
    """One request in Kong, with one piece of Lua that is run in it."""

    def __init__(self, source: str, **headers: str) -> None:
        runtime = new_runtime()
        self._request = runtime.execute(_KONG.encode())
        self._evaluate = runtime.eval
        for name, value in headers.items():
            self._request.headers[name.replace("_", "-").encode()] = value.encode()
        self._request.load(source.encode())

    def share(self, name: str, expression: str) -> None:
        """Set a member of `kong.ctx.shared` to a value, written in Lua."""
        self._request.shared[name.encode()] = self._evaluate(expression.encode())

    def shared(self, name: str) -> bytes | None:
        """Return a text in `kong.ctx.shared`, or None for anything else."""
        value = self._request.shared[name.encode()]
        return value if isinstance(value, bytes) else None

    def run(self) -> Exit | None:
        """Run the piece; None means that the request goes on."""
        self._request.run()
        answer = self._request.exit
        if answer is None:
            return None
        return Exit(answer.status, answer.body, dict(answer.headers))

    def feed(self, chunk: bytes | None, times: int = 1) -> int:
        """Run the piece for chunks of a response, and return the most bytes that it held."""
        return int(self._request.feed(chunk, times))

    def finish(self, chunk: bytes | None = b"") -> None:
        """Run the piece for the last chunk."""
        self._request.finish(chunk)
