"""Every security requirement that is built so far is named by at least one test."""

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]

BUILT = {*range(1, 61), 62, 63, 64, 66}
"""The numbers of the requirements that have to hold by now; it only grows."""

_TEST_NAME = re.compile(r"^\s*(?:async )?def (test_\w*)", re.MULTILINE)
_NUMBER = re.compile(r"sec((?:_\d\d)+)")


def numbers_in_test_names() -> set[int]:
    names = (
        name
        for path in TESTS.rglob("test_*.py")
        for name in _TEST_NAME.findall(path.read_text(encoding="utf-8"))
    )
    return {
        int(number)
        for name in names
        for group in _NUMBER.findall(name)
        for number in group.strip("_").split("_")
    }


def test_every_requirement_has_a_test_that_names_it() -> None:
    missing = sorted(BUILT - numbers_in_test_names())
    assert not missing, f"no test names SEC {missing}"


def test_sec_31_versions_with_known_holes_cannot_be_installed() -> None:
    required = (TESTS.parent / "setup.cfg").read_text()
    assert re.search(r"pyjwt >= 2\.(1[5-9]|[2-9]\d)", required)
    assert re.search(r"joserfc >= 1\.([89]|\d\d)", required)
    assert "python-jose" not in required
    sources = [
        path for name in ("jwks", "rbac", "plugin") for path in (TESTS.parent / name).rglob("*.py")
    ]
    assert sources
    assert not [path for path in sources if "authlib.jose" in path.read_text()]
