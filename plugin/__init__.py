"""How the gateway asks, and where the state is.

    from gatepass.plugin import Gate, Request, load_settings

The names below are loaded when they are first used, so that a command that needs none of them
starts at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatepass.plugin.decision import Allow, Decision, Deny, Unavailable, apply_headers
    from gatepass.plugin.gate import Gate
    from gatepass.plugin.gateways.asgi import GatepassMiddleware
    from gatepass.plugin.metering.prices import Usage
    from gatepass.plugin.reasons import Reason
    from gatepass.plugin.request import BodyState, Request
    from gatepass.plugin.settings import load_settings

__all__ = [
    "Allow",
    "BodyState",
    "Decision",
    "Deny",
    "Gate",
    "GatepassMiddleware",
    "Reason",
    "Request",
    "Unavailable",
    "Usage",
    "apply_headers",
    "load_settings",
]

_HOME = {
    "Allow": "decision",
    "BodyState": "request",
    "Decision": "decision",
    "Deny": "decision",
    "Gate": "gate",
    "GatepassMiddleware": "gateways.asgi",
    "Reason": "reasons",
    "Request": "request",
    "Unavailable": "decision",
    "Usage": "metering.prices",
    "apply_headers": "decision",
    "load_settings": "settings",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(name)
    return getattr(import_module(f"gatepass.plugin.{_HOME[name]}"), name)
