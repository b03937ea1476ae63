"""What the page about Redis says: its settings load, and its keys and bounds are the real ones."""

import re
from pathlib import Path

import yaml

from gatepass.plugin.budgets.redis.engine import TIMEOUT_SECONDS
from gatepass.plugin.budgets.redis.housekeeping import EXPIRE_AT_ONCE
from gatepass.plugin.budgets.redis.layout import Keys, StoredCount, write_counter
from gatepass.plugin.budgets.redis.scripts import SCRIPTS
from support.settings import settings_with

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "redis.md").read_text()


def test_the_settings_of_the_page_load() -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        settings = settings_with(**yaml.safe_load(block))
        assert settings.budgets.engine == "redis"
        assert settings.stores.redis is not None


def test_every_key_stands_on_the_page_and_no_other() -> None:
    keys = Keys("D")
    named = re.findall(r"^\| `(\{D\}:\w+)", PAGE, re.MULTILINE)
    real = [key.decode().rstrip(":") for key in vars(keys).values()]
    assert sorted(named) == sorted(real)
    counter = write_counter(StoredCount(1, 2, 3, 4, 5))
    assert f"string of {len(counter)} bytes" in PAGE


def test_every_command_of_the_scripts_stands_on_the_page() -> None:
    used = {name for script in SCRIPTS for name in re.findall(rb"call\('(\w+)'", script.text)}
    assert {name.decode() for name in used} - {"XADD"} <= set(re.findall(r"`([A-Z]+)`", PAGE))


def test_its_bounds_are_the_real_ones() -> None:
    assert f"up to {EXPIRE_AT_ONCE} reservations" in PAGE
    assert TIMEOUT_SECONDS == 1.0
    assert "given up after a\nsecond" in PAGE
