"""What `gatepass kong doctor` says of a Kong, both for people and as JSON."""

import json
from typing import TypedDict, cast

import pytest

from gatepass.plugin.commands.kong_doctor import run_kong_doctor
from support.kong_admin import KongAdmin


class Finding(TypedDict):
    subject: str
    ok: bool
    found: str
    advice: str
    note: bool


class Patient:
    """A Kong's Admin API, and the doctor who looks at it."""

    def __init__(self, admin: KongAdmin, capsys: pytest.CaptureFixture[str]) -> None:
        self.admin = admin
        self._capsys = capsys

    def findings(self, url: str = "", headers: tuple[str, ...] = ()) -> list[Finding]:
        """Look both ways, see that they agree and that nothing was changed."""
        where = url or self.admin.url
        status = run_kong_doctor(where, as_json=False, headers=headers)
        text = self._capsys.readouterr().out
        assert run_kong_doctor(where, as_json=True, headers=headers) == status
        told = json.loads(self._capsys.readouterr().out)
        findings = cast("list[Finding]", told["findings"])
        assert told["ok"] is (status == 0) is all(finding["ok"] for finding in findings)
        for finding in findings:
            assert f"{finding['subject']}: {finding['found']}\n" in text
            assert finding["advice"] or (finding["ok"] and not finding["note"])
            assert finding["ok"] or not finding["note"]
        assert {method for method, _ in self.admin.asked} <= {"GET"}
        return findings

    def wrong(self) -> list[tuple[str, str]]:
        return [(item["subject"], item["found"]) for item in self.findings() if not item["ok"]]

    def notes(self) -> list[tuple[str, str]]:
        return [(item["subject"], item["found"]) for item in self.findings() if item["note"]]
