"""Imports point one way: plugin -> rbac -> the types of jwks; and the pure parts stay pure."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = ("jwks", "rbac", "plugin")

MAY_IMPORT = {"jwks": {"jwks"}, "rbac": {"jwks", "rbac"}, "plugin": {"jwks", "rbac", "plugin"}}

TYPES_OF_JWKS = {"gatepass.jwks.errors", "gatepass.jwks.token"}
"""All that rbac may know of jwks."""

PURE = {
    "bisect",
    "collections.abc",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "math",
    "msgspec",
    "re",
    "types",
    "typing",
    "urllib.parse",
    "zoneinfo",
}
"""All that rbac may import from elsewhere: nothing of it reaches outside the process, or waits.

But zoneinfo, which reads the system's time zones, once for each that a budget names.
"""

NETWORK = {
    *(
        "aiohttp",
        "anyio",
        "authlib",
        "h11",
        "http",
        "httpcore",
        "httpx",
        "redis",
        "requests",
        "socket",
        "ssl",
        "urllib",
    ),
    "uvicorn",
}
NO_NETWORK = {"urllib.parse", "authlib.oauth2.auth", "authlib.oauth2.rfc7009"}
CONNECTS = {
    *("create_connection", "create_datagram_endpoint", "create_server", "create_unix_connection"),
    *("create_unix_server", "getaddrinfo", "getnameinfo", "open_connection"),
    *("open_unix_connection", "sock_connect", "start_server", "start_unix_server"),
}
"""What asyncio and its loops offer for it."""

FETCHING = {"fetch.py"}
"""The one file of jwks that opens a socket."""


def sources() -> list[Path]:
    return sorted(path for name in PACKAGES for path in (CHECKOUT / name).rglob("*.py"))


def imported(tree: ast.AST) -> set[str]:
    """Every module that is imported, at whatever depth and under whatever condition."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


def mentioned(tree: ast.AST) -> set[str]:
    """Every name that is taken out of something else."""
    nodes = list(ast.walk(tree))
    taken = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return taken | {
        alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names
    }


def complaints(path: Path, package: str) -> Iterator[str]:
    """Say what the file of the package may not use."""
    tree = ast.parse(path.read_text())
    for name in imported(tree):
        parts = name.split(".")
        if not parts[0]:
            yield f"{name}: imports are absolute"
        if parts[0] == "gatepass" and (*parts, "")[1] not in MAY_IMPORT[package]:
            yield f"{name}: {package} may not know it"
        if package == "rbac" and not (
            name in PURE | TYPES_OF_JWKS or parts[:2] == ["gatepass", "rbac"]
        ):
            yield f"{name}: rbac is pure"
        if _fetches_nothing(path, package) and parts[0] in NETWORK and name not in NO_NETWORK:
            yield f"{name}: only fetch.py opens sockets"
    if _fetches_nothing(path, package):
        for name in mentioned(tree) & CONNECTS:
            yield f"{name}: only fetch.py opens sockets"


def _fetches_nothing(path: Path, package: str) -> bool:
    return package == "jwks" and path.name not in FETCHING


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_imports_point_one_way(path: Path) -> None:
    assert not list(complaints(path, path.relative_to(CHECKOUT).parts[0]))


@pytest.mark.parametrize(
    ("package", "program", "noticed"),
    [
        ("rbac", "def f():\n    if True:\n        import socket", "socket"),
        ("rbac", "from gatepass.plugin import x", "gatepass.plugin"),
        ("rbac", "from gatepass.jwks.fetch import x", "gatepass.jwks.fetch"),
        ("rbac", "import gatepass", "gatepass"),
        ("rbac", "from urllib.request import urlopen", "urllib.request"),
        ("rbac", "import random", "random"),
        ("rbac", "from . import roles", "."),
        ("jwks", "from gatepass.rbac import x", "gatepass.rbac"),
        ("jwks", "from urllib import request", "urllib"),
        ("jwks", "import urllib.request", "urllib.request"),
        ("jwks", "import aiohttp.client", "aiohttp.client"),
        ("jwks", "import asyncio\nasyncio.open_connection('h', 1)", "open_connection"),
        ("jwks", "from asyncio import open_connection as dial", "open_connection"),
        ("jwks", "loop.create_connection(f, 'h', 1)", "create_connection"),
    ],
)
def test_the_checker_would_notice(tmp_path: Path, package: str, program: str, noticed: str) -> None:
    sneaky = tmp_path / "sneaky.py"
    sneaky.write_text(program)
    assert noticed in {complaint.split(":")[0] for complaint in complaints(sneaky, package)}


def test_the_checker_lets_the_one_place_be(tmp_path: Path) -> None:
    fetching = tmp_path / "fetch.py"
    fetching.write_text("import httpx\nimport urllib.parse\nasyncio.open_connection('h', 1)")
    assert not list(complaints(fetching, "jwks"))


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
