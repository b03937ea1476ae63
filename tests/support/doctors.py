"""What a doctor says of a gateway, both for people and as JSON."""

import json
from typing import Generic, Protocol, TypedDict, TypeVar, cast

import pytest


class Finding(TypedDict):
    subject: str
    ok: bool
    found: str
    advice: str
    note: bool


class Asked(Protocol):
    """A gateway's API that notes what it was asked, and where it is."""

    asked: list[tuple[str, str]]
    url: str


class RunDoctor(Protocol):
    """A doctor's command."""

    def __call__(self, url: str, /, *, as_json: bool, headers: tuple[str, ...] = ()) -> int: ...


Admin = TypeVar("Admin", bound=Asked)


class Patient(Generic[Admin]):
    """A gateway's API, and the doctor who looks at it."""

    def __init__(self, admin: Admin, capsys: pytest.CaptureFixture[str], run: RunDoctor) -> None:
        self.admin = admin
        self._capsys = capsys
        self._run = run

    def findings(self, url: str = "", headers: tuple[str, ...] = ()) -> list[Finding]:
        """Look both ways, see that they agree and that nothing was changed."""
        where, run = url or self.admin.url, self._run
        status = run(where, as_json=False, headers=headers)
        text = self._capsys.readouterr().out
        assert run(where, as_json=True, headers=headers) == status
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
