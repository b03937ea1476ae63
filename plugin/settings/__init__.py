"""The settings: one YAML file in, one frozen object out, or every problem in it at once.

Pydantic and YAML are loaded when settings are first read, not when this package is imported.
"""

from typing import TYPE_CHECKING

from gatepass.plugin.settings.compile import compile_settings
from gatepass.plugin.settings.compiled import (
    AdminDoor,
    Compiled,
    HttpDoor,
    IdentityHeaders,
    StatusDoor,
)

if TYPE_CHECKING:
    from gatepass.plugin.settings.loading import load_settings, make_settings
    from gatepass.plugin.settings.model import Settings
    from gatepass.plugin.settings.schema import settings_schema, write_schema

__all__ = [
    "AdminDoor",
    "Compiled",
    "HttpDoor",
    "IdentityHeaders",
    "Settings",
    "StatusDoor",
    "compile_settings",
    "load_settings",
    "make_settings",
    "settings_schema",
    "write_schema",
]

_HOMES = {
    "Settings": "model",
    "load_settings": "loading",
    "make_settings": "loading",
    "settings_schema": "schema",
    "write_schema": "schema",
}


if not TYPE_CHECKING:  # a type checker would believe that every name exists

    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415 - only who asks pays

        return getattr(import_module(f"{__name__}.{home}"), name)
