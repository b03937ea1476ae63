"""Lua as APISIX's serverless plugins run it, under LuaJIT: our own description of it.

A piece is a chunk that returns a function of the plugin's configuration and the request's context;
`ctx.var` gives nginx's variables and keeps what is written to it, `ngx.header` those of the
response, `ngx.arg` a piece of its body and whether it is the last.
"""

from support.lua import new_runtime

_APISIX = r"""
local lower = string.lower
local request = { headers = {}, chunk = nil, last = false }
local variables = {}
local ctx = { var = setmetatable({}, {
  __index = function(_, name) return variables[name] end,
  __newindex = function(_, name, value) variables[name] = value end,
}) }
local ngx = {
  header = setmetatable({}, {
    __index = function(_, name) return request.headers[lower(name)] end,
    __newindex = function() error("the response is nobody's to change") end,
  }),
  arg = setmetatable({}, {
    __index = function(_, at) if at == 1 then return request.chunk end return request.last end,
    __newindex = function() error("the body is nobody's to change") end,
  }),
}
local environment = setmetatable({ ngx = ngx }, {
  __index = _G,
  __newindex = function(_, name) error("a global is written: " .. name) end,
})
function request.load(source)
  local piece = assert(loadstring(source))
  local function_ = setfenv(piece, environment)()
  assert(type(function_) == "function")
  request.piece = function()
    local code, body = function_({}, ctx)
    assert(code == nil and body == nil, "a result would end the request")
  end
end
function request.get(name) return variables[name] end
function request.set(name, value) variables[name] = value end
function request.run() request.piece() end
function request.feed(chunk, times)
  local most = 0
  for _ = 1, times do
    request.chunk, request.last = chunk, false
    request.piece()
    local kept = ctx.gatepass_kept
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


class ApisixRequest:
    """One request in APISIX, and the pieces of Lua that are run in it, one after the other."""

    def __init__(self, source: str, **headers: str) -> None:
        self._request = new_runtime().execute(_APISIX.encode())
        for name, value in headers.items():
            self._request.headers[name.replace("_", "-").encode()] = value.encode()
        self.load(source)

    def load(self, source: str) -> None:
        """Go on with another piece, in the same context."""
        self._request.load(source.encode())

    def set(self, name: str, value: bytes) -> None:
        """Give a variable a value."""
        self._request.set(name.encode(), value)

    def get(self, name: str) -> bytes | None:
        """Return a variable's text, or None for anything else."""
        value = self._request.get(name.encode())
        return value if isinstance(value, bytes) else None

    def run(self) -> None:
        """Run the piece."""
        self._request.run()

    def feed(self, chunk: bytes | None, times: int = 1) -> int:
        """Run the piece for chunks of a response, and return the most bytes that it held."""
        return int(self._request.feed(chunk, times))

    def finish(self, chunk: bytes | None = b"") -> None:
        """Run the piece for the last chunk."""
        self._request.finish(chunk)
