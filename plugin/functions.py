"""Functions of the deployment's own, named in the settings as MODULE:FUNCTION."""

import importlib
from collections.abc import Callable

from gatepass.jwks.errors import ConfigurationError


def load_function(name: str, setting: str) -> Callable[[dict[str, object]], object]:
    """Import a function that gets claims; `setting` is where its name stands.

    Raises:
        ConfigurationError: there is no such module or function, or importing it fails.

    """
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function, None)
    except Exception as error:
        kind = type(error).__name__
        raise ConfigurationError([f"{setting}: the module cannot be imported ({kind})"]) from error
    if not callable(found):
        raise ConfigurationError([f"{setting}: the module has no function of this name"])
    loaded: Callable[[dict[str, object]], object] = found
    return loaded
