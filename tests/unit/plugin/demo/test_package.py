"""The package is there without its extra, and cheap until the tour starts."""

import subprocess
import sys


def test_importing_the_package_loads_nothing_of_the_extra() -> None:
    script = (
        "import sys; import gatepass.plugin.demo;"
        "print([name for name in ('flask', 'authlib', 'envoy', 'httpx') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert found.stdout.strip() == b"[]"


def test_every_module_can_be_imported_without_the_extra() -> None:
    script = (
        "import sys; sys.modules.update(flask=None, werkzeug=None, envoy=None);"
        "import importlib, pkgutil, gatepass.plugin.demo as demo;"
        "print([importlib.import_module(f'{demo.__name__}.{found.name}').__name__"
        " for found in pkgutil.iter_modules(demo.__path__)])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert b"gatepass.plugin.demo.provider" in found.stdout
