"""The requests that the page of the management service shows are sent, and answered as it says."""

import json
import re
from pathlib import Path

import pytest
import yaml

from gatepass.plugin.admin.refusals import PLAIN_REFUSALS
from gatepass.plugin.directory.changes.faults import ChangeFault
from gatepass.rbac.groups_admin import DIRECTORY_ROUTES
from support.databases import upgrade_file
from support.management import SECTIONS, open_management

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "management.md").read_text()
_SHOWN = re.compile(
    r"^```http\n(\S+) (\S+)\n(.*?)^```\n\n```json\n(.*?)^```", re.MULTILINE | re.DOTALL
)


def shows(said: object, answered: object) -> bool:
    """Answer whether everything that is said stands in the answer."""
    if isinstance(said, dict) and isinstance(answered, dict):
        return all(
            name in answered and shows(value, answered[name]) for name, value in said.items()
        )
    return said == answered


async def test_the_page_says_what_happens(tmp_path: Path) -> None:
    settings = yaml.safe_load(PAGE.partition("```yaml\n")[2].partition("```")[0])
    assert settings["doors"]["admin"] == {"listen": "127.0.0.1:8702"}
    sections = {**SECTIONS, **settings, "doors": {"admin": {}}}
    file = tmp_path / "gatepass.db"
    await upgrade_file(file)
    shown = _SHOWN.findall(PAGE)
    assert len(shown) == 7
    async with open_management(file, tmp_path / "settings", **sections) as service:
        for method, path, rest, answer in shown:
            head, _, body = rest.partition("\n\n") if rest.startswith("I") else ("", "", rest)
            headers = dict(line.split(": ", 1) for line in head.splitlines())
            content = json.loads(body) if body.strip() else None
            real = await service.ask("root", method, path, content, headers)
            assert shows(json.loads(answer), real.json()), (method, path, real.text)


def test_the_page_names_every_route() -> None:
    table = PAGE.partition("## The routes\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"/[a-z_]+/[a-z_]+", table))
    ours = {route for route in DIRECTORY_ROUTES if not route.startswith("/end_user")}
    assert named == ours


def test_the_page_names_every_refusal_that_reasons_do_not() -> None:
    found = re.findall(r"^\| (\d+) \| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE)
    faults = {(str(fault.status), fault.code, fault.sentence) for fault in ChangeFault}
    plain = {(str(status), code, sentence) for status, code, sentence in PLAIN_REFUSALS}
    assert set(found) == faults | plain
    assert found == sorted(found)


@pytest.mark.parametrize("name", ["metadata", "tpm_limit", "guardrails", "auto_create_key"])
async def test_what_is_not_stored_is_refused_by_name(tmp_path: Path, name: str) -> None:
    file = tmp_path / "gatepass.db"
    await upgrade_file(file)
    async with open_management(file, tmp_path / "settings") as service:
        answer = await service.post("root", "/user/new", **{name: {}})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "field_unknown", name)
