"""Make `.venv/` ready for work: the checkout as `gatepass`, and what setup.cfg asks for.

`.venv/src/gatepass/` holds links to jwks/, rbac/ and plugin/, and a .pth file names `.venv/src`,
so that the interpreter, mypy, pytest and editors all see the same package
(docs/decisions/0001-layout.md says why an editable install does not do).
"""

from __future__ import annotations  # an old Python shall read as far as the sentence for it

import configparser
import stat
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / ".venv"
PACKAGES = ("jwks", "rbac", "plugin")


def requirements(extras: list[str]) -> list[str]:
    """Return the requirement lines of setup.cfg, those of the named extras included."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(CHECKOUT / "setup.cfg")
    texts = [config["options"]["install_requires"]]
    texts += [config["options.extras_require"][extra] for extra in extras]
    lines = (line.strip() for text in texts for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def link_checkout(site_packages: Path) -> None:
    """Make the checkout importable as `gatepass` without copying it."""
    package = VENV / "src" / "gatepass"
    package.mkdir(parents=True, exist_ok=True)
    for name in PACKAGES:
        link = package / name
        if not link.is_symlink():
            link.symlink_to(CHECKOUT / name, target_is_directory=True)
    (site_packages / "gatepass.pth").write_text(f"{VENV / 'src'}\n")
    command = VENV / "bin" / "gatepass"
    command.write_text(
        f"#!{VENV / 'bin' / 'python'}\nfrom gatepass.plugin.entry import main\n\nmain()\n"
    )
    command.chmod(command.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def main(extras: list[str]) -> None:
    """Create or complete the environment; a second run with the same setup.cfg does nothing new."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs this may have an older one
        sys.exit("Gatepass needs Python 3.11 or later: make PYTHON=python3.12 ...")
    python = VENV / "bin" / "python"
    if not python.exists():
        venv.create(VENV, with_pip=True)
    subprocess.run(  # noqa: S603 - our own interpreter and our own requirement list
        [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            *requirements(extras),
        ],
        check=True,
    )
    link_checkout(Path(sysconfig.get_path("purelib", vars={"base": str(VENV)})))


if __name__ == "__main__":
    main(sys.argv[1:])
