"""What our plugin, its guard and its server call each other by inside Kong.

The marker stands in `kong.ctx.shared` of every request that was let through: its prefix and the
request id. Whoever checks it checks the prefix: Kong turns a null into the text NULL_VALUE, which
Lua takes for true. Nothing is imported here: `gatepass kong --dump` is waited for by Kong's start.
"""

PLUGIN_NAME = "gatepass"
PRIORITY = 1005
"""Kong runs higher numbers first: of its own plugins those up to 1030 (cors 2000, what checks other
credentials, down to hmac-auth) come before us. Below us is whatever counts, allows or rewrites by
the identity that we set: ip-restriction 990, acl 950, rate-limiting 910, request-transformer 801,
ai-proxy 770, and the guard, post-function, at -1000."""

PHASES = ("access", "log")
"""Kong accepts any other spelling and then never calls us. No `response`: it ends streaming."""

PROFILE_FIELD = "profile"
DEFAULT_PROFILE = "default"
PROFILE_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_.%-]*$"
MAX_PROFILE_CHARS = 64
"""The names that a profile may have in the settings, in Lua's words."""

MARKER = "gatepass"
MARKER_PREFIX = "v1:"

RESPONSE_HEAD = "gatepass_head"
RESPONSE_TAIL = "gatepass_tail"
"""Where the snippet for the response leaves its first and its last bytes for the log phase."""
