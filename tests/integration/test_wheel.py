"""What is published is what is here: the wheel, in an empty environment, has every module."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


def module_names() -> list[str]:
    paths = [
        path for name in ("jwks", "rbac", "plugin") for path in (CHECKOUT / name).rglob("*.py")
    ]
    names = [
        ".".join(("gatepass", *path.relative_to(CHECKOUT).with_suffix("").parts)) for path in paths
    ]
    without_scripts = [name for name in names if not name.endswith((".__main__", ".env"))]
    return sorted(name.removesuffix(".__init__") for name in without_scripts)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and what it requires, without the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # a build leaves things beside its sources
    source.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, source)
    for name in ("jwks", "rbac", "plugin"):
        shutil.copytree(CHECKOUT / name, source / name)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder / "dist", source],
        check=True,
        capture_output=True,
    )
    (wheel,) = (folder / "dist").glob("*.whl")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, f"{wheel}[demo]"], check=True, cwd=folder, capture_output=True)
    return folder / "venv" / "bin"


@pytest.mark.timeout(300)
def test_every_module_imports_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    program = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    module = importlib.import_module(name)\n"
        "    assert 'site-packages' in (module.__file__ or ''), module\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(
        [installed / "python", "-c", program, *module_names()],
        check=True,
        cwd=tmp_path,
        env=environment,
    )


@pytest.mark.timeout(300)
def test_the_installed_command_says_its_version(installed: Path, tmp_path: Path) -> None:
    answer = subprocess.run(
        [installed / "gatepass", "--version"],
        check=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert answer.stdout.startswith("gatepass 0.")
