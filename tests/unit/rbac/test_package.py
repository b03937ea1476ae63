import ast
from pathlib import Path

import pytest

import gatepass.rbac as package

SOURCES = sorted(Path(package.__file__).parent.glob("*.py"))
PURE = {
    "bisect",
    *("collections.abc", "dataclasses", "msgspec", "enum", "re", "types", "typing", "urllib.parse"),
    *("datetime", "functools", "math"),
    "zoneinfo",  # reads the system's time zones, once for each that a budget names
    *("gatepass.jwks.errors", "gatepass.jwks.token"),
}


def test_the_package_offers_what_it_names() -> None:
    assert all(hasattr(package, name) for name in package.__all__)
    assert len(set(package.__all__)) == len(package.__all__)


@pytest.mark.parametrize("source", SOURCES, ids=[source.stem for source in SOURCES])
def test_the_rules_import_nothing_that_could_do_input_or_output(source: Path) -> None:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        assert not isinstance(node, ast.Import) or {name.name for name in node.names} <= PURE
        if isinstance(node, ast.ImportFrom):
            assert node.module in PURE or str(node.module).startswith("gatepass.rbac")
