"""Delete the checks of the judging core one by one; a test must fail each time.

    run.py [--only TEXT] [--list]

A check is an `if` whose body ends in a `raise`. Its condition becomes `False` in a copy of the
source, and the tests run against the copy: first those of the module, then those of the package,
then the corpus of attacks, until one fails or does not end. Survivors are checks that no test
needs.
"""

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = ("jwks", "rbac", "plugin")
JUDGING = {
    "jwks": ["**/*"],
    "rbac": ["**/*"],
    "plugin": [
        *("inspection", "body", "parameters", "query", "naming", "admission", "callers"),
        *("caller_memory", "caller_rules", "outage", "directory/watch"),
        *("calls", "custom_check", "guardrails", "organizations", "known_caller"),
        *("groups_resolver", "functions"),
        *("routing", "gate", "headers", "possession"),
        *("gateways/forwarded", "gateways/peers", "gateways/conventions", "gateways/bodies"),
        *("gateways/status_pages", "gateways/certificates"),
        *("gateways/body_waits", "gateways/profile_numbers"),
        *("gateways/kong/access", "gateways/kong/instances", "gateways/kong/path"),
        *("gateways/kong/settlement", "gateways/kong/spool", "gateways/kong/verdict"),
        *("budgets/amounts", "budgets/estimates", "budgets/memory", "directory/upsert"),
        *("directory/accounts", "directory/choosing", "directory/journal"),
    ],
}
"""The files that judge, by package; the rest of the plugin reads settings and moves bytes."""

EQUIVALENT: dict[str, str] = {}
"""`path:condition` of checks whose deletion changes nothing that can be seen, with the reason."""


@dataclass(frozen=True)
class Check:
    """One condition in one file, by its place in the text."""

    path: Path
    node: ast.expr
    source: str

    @property
    def condition(self) -> str:
        return " ".join((ast.get_source_segment(self.source, self.node) or "").split())

    @property
    def name(self) -> str:
        return f"{self.path}:{self.node.lineno}: if {self.condition}"

    def deleted(self) -> str:
        """Return the file's text with the condition replaced."""
        lines = self.source.splitlines(keepends=True)
        node = self.node
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        before = "".join(lines[: node.lineno - 1]) + _cut(
            lines[node.lineno - 1], None, node.col_offset
        )
        after = _cut(lines[node.end_lineno - 1], node.end_col_offset, None)
        return before + "False" + after + "".join(lines[node.end_lineno :])


def _cut(line: str, start: int | None, end: int | None) -> str:
    """Slice a line by the byte offsets that ast counts in."""
    return line.encode()[start:end].decode()


def checks() -> Iterator[Check]:
    for package, patterns in JUDGING.items():
        for path in _sources(package, patterns):
            source = path.read_text()
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.If) and isinstance(node.body[-1], ast.Raise):
                    yield Check(path.relative_to(CHECKOUT), node.test, source)


def _sources(package: str, patterns: list[str]) -> list[Path]:
    """Return the files of the patterns, each of which must be there."""
    found = [sorted((CHECKOUT / package).glob(f"{pattern}.py")) for pattern in patterns]
    assert all(found), f"{package}: a file that judges is gone"
    return [path for paths in found for path in paths]


def suites(check: Check) -> Iterator[list[str]]:
    tests = CHECKOUT / "tests"
    mirror = tests / "unit" / check.path.parent
    own = sorted(mirror.glob(f"test_{check.path.stem}*.py"))
    if own:
        yield [str(path) for path in own]
    if len(check.path.parent.parts) > 1:
        yield [str(mirror)]
    yield [str(tests / "unit" / check.path.parts[0]), str(tests / "property")]
    yield [str(tests / "vectors")]


def is_noticed(check: Check, folder: Path) -> bool:
    """Put the mutated file into the copy, run the tests, put the file back."""
    target = folder / "gatepass" / check.path
    target.write_text(check.deleted())
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        for paths in suites(check):
            pytest = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
            run = subprocess.run(
                [*pytest, "-m", "not soak", *paths],
                cwd=CHECKOUT,
                env=environment,
                capture_output=True,
                check=False,
                timeout=900,
            )
            if run.returncode != 0:
                return True
    except subprocess.TimeoutExpired:
        return True
    else:
        return False
    finally:
        target.write_text(check.source)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="only checks whose name holds this text")
    parser.add_argument("--list", action="store_true", help="name the checks and stop")
    options = parser.parse_args()
    chosen = [check for check in checks() if options.only in check.name]
    if options.list:
        print("\n".join(check.name for check in chosen))
        return 0
    survivors = []
    with tempfile.TemporaryDirectory(prefix="gatepass-mutants-") as name:
        folder = Path(name)
        for package in PACKAGES:
            shutil.copytree(CHECKOUT / package, folder / "gatepass" / package)
        for number, check in enumerate(chosen, 1):
            excused = f"{check.path}:{check.condition}" in EQUIVALENT
            noticed = excused or is_noticed(check, folder)
            verdict = "excused" if excused else "noticed" if noticed else "SURVIVED"
            print(f"{number}/{len(chosen)} {verdict:8} {check.name}", flush=True)
            if not noticed:
                survivors.append(check.name)
    print(f"{len(chosen)} checks deleted one by one, {len(survivors)} not noticed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
