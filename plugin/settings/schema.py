"""The JSON Schema of the settings file, for editors; docs/settings.schema.json is this, printed.

An editor that knows it completes names and marks typing errors. It is looser than the real checks:
a `${...}` reference may stand for text, and rules over several settings are not in it.
"""

import json
from collections.abc import Callable

from pydantic.json_schema import GenerateJsonSchema

from gatepass.plugin.settings.fields import DURATION, SIZE
from gatepass.plugin.settings.model import Settings
from gatepass.plugin.settings.units import format_duration, format_size

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_UNITS: dict[str, Callable[[int], str]] = {DURATION: format_duration, SIZE: format_size}


class _WithoutTitles(GenerateJsonSchema):
    """Leaves out the titles that pydantic makes of the names of fields."""

    def field_title_should_be_set(self, schema: object) -> bool:
        """Return False."""
        del schema
        return False


def settings_schema() -> dict[str, object]:
    """Return the schema; defaults stand in it as they would in the file."""
    schema = Settings.model_json_schema(schema_generator=_WithoutTitles)
    _write_units(schema)
    return {"$schema": _DIALECT, **schema, "title": "Gatepass settings"}


def write_schema() -> str:
    """Return the schema as the text of a JSON file."""
    return json.dumps(settings_schema(), indent=2) + "\n"


def _write_units(schema: object) -> None:
    """Replace the marks of units by defaults in these units, everywhere in the schema."""
    if isinstance(schema, list):
        for part in schema:
            _write_units(part)
    elif isinstance(schema, dict):
        for mark, written in _UNITS.items():
            if schema.pop(mark, None) is not None and "default" in schema:
                schema["default"] = written(schema["default"])
        for part in schema.values():
            _write_units(part)
