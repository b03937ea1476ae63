"""Imports point one way: plugin -> rbac -> the types of jwks; and the pure parts stay pure."""

import ast
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = ("jwks", "rbac", "plugin")

MAY_IMPORT = {"jwks": {"jwks"}, "rbac": {"jwks", "rbac"}, "plugin": {"jwks", "rbac", "plugin"}}

TYPES_OF_JWKS = {"gatepass.jwks.errors", "gatepass.jwks.token"}
"""All that rbac may know of jwks."""

INPUT_OUTPUT = {
    "aiosqlite",
    "alembic",
    "asyncio",
    "authlib",
    "http",
    "httpx",
    "io",
    "logging",
    "os",
    "pathlib",
    "redis",
    "selectors",
    "shutil",
    "socket",
    "sqlalchemy",
    "sqlite3",
    "ssl",
    "starlette",
    "structlog",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "uvicorn",
}
"""Top-level modules that reach outside the process, or wait."""

PURE_PARTS = {"urllib.parse"}

NETWORK = {"authlib", "http", "httpx", "redis", "requests", "socket", "ssl", "uvicorn"}
FETCHING = {"fetch.py"}
"""The one file of jwks that opens a socket."""


def sources() -> list[Path]:
    return sorted(path for name in PACKAGES for path in (CHECKOUT / name).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Every module that the file imports, at whatever depth and under whatever condition."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_imports_point_one_way(path: Path) -> None:
    package = path.relative_to(CHECKOUT).parts[0]
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "gatepass":
            assert parts[1] in MAY_IMPORT[package], f"{path.name} imports {name}"
        if package == "rbac":
            impure = parts[0] in INPUT_OUTPUT and name not in PURE_PARTS
            assert not impure, f"rbac is pure; {path.name} imports {name}"
            if name.startswith("gatepass.jwks"):
                assert name in TYPES_OF_JWKS, f"{path.name} imports {name}"
        if package == "jwks" and path.name not in FETCHING:
            assert parts[0] not in NETWORK, f"only fetch.py opens sockets; {path.name}: {name}"


def test_the_checker_would_notice(tmp_path: Path) -> None:
    sneaky = tmp_path / "sneaky.py"
    sneaky.write_text(
        "def f():\n    if True:\n        import socket\n    from gatepass.plugin import x\n"
    )
    assert imported(sneaky) == {"socket", "gatepass.plugin"}


def test_every_package_is_listed_and_typed() -> None:
    listed = (CHECKOUT / "setup.cfg").read_text()
    for name in PACKAGES:
        assert (CHECKOUT / name / "py.typed").exists()
        for init in (CHECKOUT / name).rglob("__init__.py"):
            package = ".".join(("gatepass", *init.parent.relative_to(CHECKOUT).parts))
            assert f"\n    {package}\n" in listed, f"{package} is missing in setup.cfg"


def test_no_source_file_is_longer_than_300_lines() -> None:
    long = [path for path in sources() if len(path.read_text().splitlines()) > 300]
    assert not long
