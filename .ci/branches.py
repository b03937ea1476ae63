"""Refuse a test run that left a line or a branch of the judging core untried.

    branches.py COVERAGE.json

jwks/ and rbac/ decide who gets in; every branch of theirs has a test, and this says which has not.
"""

import json
import sys
from pathlib import Path

CORE = ("jwks", "rbac")


def main(report: Path) -> int:
    """Print what is not covered and return 1, or say that all is and return 0."""
    files = json.loads(report.read_text())["files"]
    core = {name: data for name, data in files.items() if CORE[0] in name or CORE[1] in name}
    core = {name: data for name, data in core.items() if Path(name).parts[-2] in CORE}
    if not core:
        print(f"{report}: no file of {' or '.join(CORE)} was measured")
        return 1
    gaps = 0
    for name, data in sorted(core.items()):
        for start, end in data["missing_branches"]:
            print(f"{name}: the branch from line {start} to line {end} has no test")
            gaps += 1
        for line in data["missing_lines"]:
            print(f"{name}: line {line} has no test")
            gaps += 1
    print(f"jwks/ and rbac/: {len(core)} files, {gaps} lines or branches without a test")
    return 1 if gaps else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
