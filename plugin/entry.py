"""`gatepass` itself: where the command starts, before anything is loaded.

Kong waits for `gatepass kong --dump` at each of its starts, and reading a command line with typer
takes longer than answering. So that question is answered here, in the shapes that kong.conf would
hold; every other command line is read by cli.py.
"""

import os
import sys
from collections.abc import Sequence

_NOBODY_ELSE_WRITES = 0o022
"""Kong starts us with no umask at all: compiled modules would be anybody's to replace."""


def main() -> None:
    """Run the command line of this process."""
    os.umask(os.umask(0) | _NOBODY_ELSE_WRITES)
    protocol = asked_to_dump(sys.argv[1:])
    if protocol is not None:
        from gatepass.plugin.commands.kong_dump import run_dump  # noqa: PLC0415 - per command

        sys.exit(run_dump(protocol))
    from gatepass.plugin.cli import main as run_any  # noqa: PLC0415 - per command

    run_any()


def asked_to_dump(arguments: Sequence[str]) -> str | None:
    """Return the protocol that `kong --dump [--protocol NAME]` names; None is another command."""
    words = [part for word in arguments for part in word.split("=", 1)]
    match words:
        case ["kong", "--dump"]:
            return "protobuf"
        case ["kong", "--dump", "--protocol", name] | ["kong", "--protocol", name, "--dump"]:
            return name
    return None
