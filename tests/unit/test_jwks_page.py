"""docs/jwks.md: its example runs as it stands there, and it names every public class."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import gatepass.jwks
from gatepass.plugin.demo.accounts import AUDIENCE, SEARCH_INDEXER
from support.demo import running_provider

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "jwks.md").read_text()
_ROW = re.compile(r"^\| `(\w+)` \| (.*) \|$", re.MULTILINE)

WHAT_WAS_LOADED = """
import sys
print(*sorted(name for name in sys.modules if name.startswith("gatepass.")), file=sys.stderr)
"""


def example(issuer: str) -> str:
    """Return the example for a provider on this machine, which has no https."""
    program: str
    (program,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    changes = {
        '"https://idp.example"': repr(issuer),
        "HttpFetcher())": "HttpFetcher(allow_http_loopback=True), allow_http_loopback=True)",
    }
    for before, after in changes.items():
        assert program.count(before) == 1
        program = program.replace(before, after)
    return program


def run(program: str, token: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", program],
        input=token,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        check=True,
        capture_output=True,
        text=True,
    )


def test_the_example_has_ten_lines_beside_its_imports() -> None:
    lines = re.sub(r"^(import|from) .*\n", "", example("https://idp.example"), flags=re.MULTILINE)
    assert len([line for line in lines.splitlines() if line]) == 10
    assert f'"{AUDIENCE}"' in lines


def test_the_example_verifies_a_token_of_a_real_provider_and_loads_no_other_package() -> None:
    with running_provider() as provider:
        token = provider.client.machine_token(SEARCH_INDEXER)
        program = example(provider.issuer)
        good = run(program + WHAT_WAS_LOADED, token)
        forged = run(program, token[:-8] + "AAAAAAAA")
    assert good.stdout == f"{SEARCH_INDEXER}\n"
    assert forged.stdout == "bad_signature\n"
    assert good.stderr.split()
    assert {name.split(".")[1] for name in good.stderr.split()} == {"jwks"}


def public() -> dict[str, str]:
    """Return every public class or function with the first sentence of its documentation."""
    found = {name: getattr(gatepass.jwks, name) for name in gatepass.jwks.__all__}
    return {
        name: " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split())
        for name, value in found.items()
        if inspect.isclass(value) or inspect.isfunction(value)
    }


def test_every_public_class_stands_on_the_page_with_its_sentence() -> None:
    rows, wanted = dict(_ROW.findall(PAGE)), public()
    missing = [
        f"| `{name}` | {wanted[name]} |" for name in wanted if rows.get(name) != wanted[name]
    ]
    assert not missing, "these lines belong on docs/jwks.md:\n" + "\n".join(missing)
    assert rows.keys() == wanted.keys(), "docs/jwks.md names what is not public"
    values = set(gatepass.jwks.__all__) - wanted.keys()
    assert all(f"`{name}`" in PAGE for name in values)
