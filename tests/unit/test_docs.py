"""What README and docs say is run: settings load, Python runs, links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gatepass.plugin import load_settings
from gatepass.plugin.commands.import_litellm import run_import_litellm
from gatepass.plugin.reasons import REASON_BY_CODE
from support.settings import LEAST
from support.tokens import signing_key

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md")
    for path in CHECKOUT.glob(pattern)
)
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in _FENCE.findall(page.read_text()) if kind == language]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_settings_of_the_readme_load(tmp_path: Path) -> None:
    (text,) = blocks(CHECKOUT / "README.md", "yaml")
    (tmp_path / "gatepass.yaml").write_text(text)
    assert load_settings(tmp_path / "gatepass.yaml").profiles


def test_the_settings_of_the_directory_page_load(tmp_path: Path) -> None:
    for text in blocks(CHECKOUT / "docs" / "directory.md", "yaml"):
        shown = yaml.safe_load(text)
        if not shown.keys() & {"profiles", "stores"}:
            continue  # rows, not settings
        others = {name: value for name, value in LEAST.items() if name not in shown}
        (tmp_path / "gatepass.yaml").write_text(text + yaml.safe_dump(others))
        assert load_settings(tmp_path / "gatepass.yaml").profiles


def test_the_python_of_the_readme_runs(tmp_path: Path) -> None:
    (settings,) = blocks(CHECKOUT / "README.md", "yaml")
    document = yaml.safe_load(settings)
    document["issuers"][0]["jwks"] = {"keys": [signing_key("RS256").jwk()]}
    (tmp_path / "gatepass.yaml").write_text(yaml.safe_dump(document))
    (program,) = blocks(CHECKOUT / "README.md", "python")
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert answer.stdout == "False 401 malformed\n"


def test_the_page_of_checks_names_every_answer_of_the_ordered_checks_in_their_order() -> None:
    """The order itself is tested where it is taken; this is the page that people read."""
    page = (CHECKOUT / "docs" / "checks.md").read_text()
    rows = re.findall(r"^\| ([0-9]+) \|.*\| (.*) \|$", page, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 11))
    named = [code for _, codes in rows for code in re.findall("`([a-z_]+)`", codes)]
    assert REASON_BY_CODE.keys() >= set(named)
    judged = "".join(
        (CHECKOUT / "rbac" / f"{name}.py").read_text()
        for name in ("standing", "checks", "organizations")
    )
    faults = {fault.lower() for fault in re.findall(r"AccessFault\.([A-Z_]+)", judged)}
    assert faults <= set(named)


def test_the_example_of_the_importer_is_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = CHECKOUT / "docs" / "import-litellm.md"
    config, settings = blocks(page, "yaml")
    (variables,) = blocks(page, "sh")
    (report,) = blocks(page, "text")
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(config)
    Path(".env").write_text(variables)
    out = Path("gatepass.yaml")
    assert run_import_litellm(Path("config.yaml"), out, Path(".env"), as_json=False) == 1
    assert capsys.readouterr().out == report
    assert out.read_text() == settings
    assert load_settings(out).profiles


def test_the_readme_names_only_targets_that_exist() -> None:
    makefile = (CHECKOUT / "Makefile").read_text()
    for name in re.findall(r"`make (\w+)", (CHECKOUT / "README.md").read_text()):
        assert f"\n{name}:" in makefile


def test_the_top_level_is_what_was_agreed() -> None:
    command = ["/usr/bin/env", "git", "ls-files"]
    run = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True)
    agreed = {
        "plugin", "rbac", "jwks", "tests", "examples", "docs", "setup.cfg", "README.md", "LICENSE",
        "CHANGELOG.md", "SECURITY.md", "Makefile", "pyproject.toml", ".ci", ".gitignore",
    }  # fmt: skip
    assert {name.split("/")[0] for name in run.stdout.splitlines()} == agreed
