"""The query of a request: never part of the route, but a proxy upstream may obey it.

LiteLLM takes `?model=` over the body's own model, and other members of a body from the query as
well. So the names that decide in a body may not stand in a query, in any spelling that a decoder
would read as the same: percent-encoded, in other letters, with `[]` behind.
"""

from urllib.parse import unquote_plus

from gatepass.plugin.denied_parameters import DENIED_PARAMETERS
from gatepass.plugin.guardrails import GUARDED_MEMBERS
from gatepass.plugin.parameters import (
    FILE_PARAMETERS,
    MODEL_PARAMETERS,
    TARIFFS,
)

_DECIDING = DENIED_PARAMETERS | MODEL_PARAMETERS | GUARDED_MEMBERS | {"model"}
_FOLDED = frozenset(name.casefold() for name in _DECIDING | FILE_PARAMETERS | TARIFFS.keys())


def names_denied(target: bytes, allowed_parameters: frozenset[str]) -> bool:
    """Answer whether the query of a raw request target names what only a body may name."""
    query = target.partition(b"?")[2]
    if not query:
        return False
    for pair in query.replace(b";", b"&").split(b"&"):
        spelled = pair.partition(b"=")[0].decode("latin-1")
        name = unquote_plus(spelled).partition("[")[0].strip().casefold()
        if name in _FOLDED and name not in allowed_parameters:
            return True
    return False
