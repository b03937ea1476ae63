"""What systemd says of a unit file, where there is a systemd."""

import os
import shutil
import subprocess
from pathlib import Path, PurePath

import pytest

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd on this machine"
)


def check_unit(unit: str, program: PurePath, folder: Path) -> None:
    """See that systemd knows every line; the program stands in for whoever runs."""
    executable = folder / "program"
    executable.write_text("#!/bin/sh\n")
    executable.chmod(0o700)
    (folder / "gatepass.service").write_text(unit.replace(str(program), str(executable)))
    run = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(folder / "gatepass.service")],  # noqa: S607 - found by skipif
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "SYSTEMD_LOG_TARGET": "console"},
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
