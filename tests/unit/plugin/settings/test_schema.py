"""The JSON Schema and the documentation say what the models are; neither can fall behind."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from gatepass.plugin.settings import load_settings, settings_schema, write_schema
from gatepass.plugin.settings.hints import places
from gatepass.rbac.roles import Role
from support.settings import LEAST

DOCS = Path(__file__).parents[4] / "docs"
TEXT = (DOCS / "settings.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def test_the_published_schema_is_the_real_one() -> None:
    published = (DOCS / "settings.schema.json").read_text(encoding="utf-8")
    assert published == write_schema(), "gatepass settings schema > docs/settings.schema.json"


def fields(schema: object) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield every property of every object of the schema."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {}).items()
        for part in schema.values():
            yield from fields(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from fields(part)


def test_every_setting_is_described_and_no_mark_is_left() -> None:
    schema = settings_schema()
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    for name, field in fields(schema):
        target = str(field.get("$ref", "")).rpartition("/")[2]
        assert {**definitions.get(target, {}), **field}.get("description"), name
    assert "x-" not in re.sub(r"x-gatepass[a-z-]*", "", json.dumps(schema))


def test_the_schema_speaks_in_human_units() -> None:
    schema = settings_schema()
    assert schema["title"] == "Gatepass settings"
    found = dict(fields(schema))
    assert found["leeway"]["default"] == "10s"
    assert found["max_stale"]["default"] == "1h"
    assert found["max_body"]["default"] == "1MiB"
    listens = {field["default"] for name, field in fields(schema) if name == "listen"}
    assert listens == {"127.0.0.1:8700", "127.0.0.1:8701", "127.0.0.1:8702"}
    assert found["trusted_proxies"]["default"] == ["127.0.0.1", "::1"]
    assert found["permissions"]["propertyNames"] == {"enum": list(Role)}


def test_unknown_names_are_refused_by_the_schema_too() -> None:
    schema = settings_schema()
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    for definition in (schema, *definitions.values()):
        assert definition["additionalProperties"] is False


def documented() -> Iterator[tuple[str, str]]:
    """Yield the section and the name of every row of a table of settings."""
    section, counts = "", False
    for line in TEXT.splitlines():
        if line.startswith("#"):
            section = line.lstrip("#").strip()
        elif line.startswith("| "):
            if line.startswith("| setting "):
                counts = True
            elif counts and (row := re.match(r"\| `(\w+)` \|", line)):
                yield section, row[1]
        else:
            counts = False


HEADINGS = {"the top of the file": "Top level", "issuers[]": "issuers"}


def test_every_setting_stands_in_the_documentation_and_no_other() -> None:
    real = [
        (HEADINGS.get(section, section), name)
        for name, sections in places().items()
        for section in sections
    ]
    assert sorted(documented()) == sorted(real)


def test_what_weakens_the_rules_is_listed_with_its_price() -> None:
    section = TEXT.partition("## What weakens the rules\n")[2].partition("\n## ")[0]
    weakening = {name for name in places() if name.startswith(("unsafe_", "allow_"))}
    assert sorted(re.findall(r"^- `(\w+)`", section, re.MULTILINE)) == sorted(weakening)


def test_there_are_examples() -> None:
    assert len(BLOCKS) >= 9


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_every_example_of_the_documentation_loads(tmp_path: Path, block: str) -> None:
    """An example shows some sections; the least settings stand in for the others."""
    path = tmp_path / "gatepass.yaml"
    shown = yaml.load(block, yaml.BaseLoader)  # noqa: S506 - BaseLoader makes text, lists and dicts
    others = {name: value for name, value in LEAST.items() if name not in shown}
    path.write_text(block + yaml.safe_dump(others, sort_keys=False), encoding="utf-8")
    assert load_settings(path, environ={"TOKEN_AUDIENCE": "a", "INTROSPECTION_SECRET": "s"})


def test_reading_no_settings_costs_neither_pydantic_nor_yaml() -> None:
    code = (
        "import sys; from gatepass.plugin.settings import compile_settings, Compiled; "
        "print(sorted({'pydantic', 'yaml', 'sqlalchemy', 'httpx'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_package_has_no_other_names() -> None:
    import gatepass.plugin.settings as package  # noqa: PLC0415 - the package itself is looked at

    assert all(getattr(package, name) for name in package.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        package.nothing  # type: ignore[attr-defined]  # noqa: B018 - reading it is the test
