from pathlib import Path

import pytest

from gatepass.plugin.settings import compile_settings, load_settings
from gatepass.plugin.settings.compiled import AdminDoor
from support.settings import LEAST_TEXT, problems_of


def door(folder: Path, text: str) -> AdminDoor | None:
    path = folder / "gatepass.yaml"
    path.write_text(LEAST_TEXT + text)
    return compile_settings(load_settings(path)).admin


def test_there_is_no_management_unless_it_is_named(tmp_path: Path) -> None:
    assert door(tmp_path, "doors: {http: {}}\n") is None


def test_by_default_it_answers_this_machine_alone(tmp_path: Path) -> None:
    found = door(tmp_path, "doors: {admin: {}}\n")
    assert found is not None
    assert (str(found.listen), found.profile) == ("127.0.0.1:8702", "default")
    assert (found.max_body_bytes, found.deadline_seconds) == (256 * 1024, 5)


@pytest.mark.parametrize(
    ("doors", "problem"),
    [
        (
            "admin: {profile: defalt}",
            'doors.admin.profile: there is no such profile; did you mean "default"?',
        ),
        (
            'admin: {listen: "127.0.0.1:8700"}',
            "doors.admin.listen: the HTTP decision service listens there already",
        ),
        (
            'status: {}, admin: {listen: "127.0.0.1:8701"}',
            "doors.admin.listen: the door for monitoring listens there already",
        ),
        (
            "admin: {listen: unix:/run/k}, kong: {socket: /run/k}",
            "doors.kong.socket: the management service listens there already",
        ),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, doors: str, problem: str) -> None:
    (found,) = problems_of(tmp_path, f"{LEAST_TEXT}doors: {{{doors}}}\n")
    assert found.endswith(problem)
