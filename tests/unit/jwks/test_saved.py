import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gatepass.jwks.saved import NotSaved, SavedKeys, check_folder

DOCUMENT = b'{"keys": []}\n\n'
ISSUER = "https://idp.example"
PLACE = "https://idp.example/keys"


@pytest.fixture
def saved(tmp_path: Path) -> SavedKeys:
    return SavedKeys(tmp_path / "state" / "keys", ISSUER, PLACE, max_bytes=1000)


def _not_read(saved: SavedKeys, now: float = 150, max_age: float = 100) -> str:
    with pytest.raises(NotSaved) as none:
        saved.read(now, max_age)
    return none.value.detail


def _not_written(saved: SavedKeys) -> str:
    with pytest.raises(NotSaved) as none:
        saved.write(DOCUMENT, 100)
    return none.value.detail


def test_what_is_written_is_read_with_its_age(saved: SavedKeys) -> None:
    assert _not_read(saved) == "not there"
    saved.write(DOCUMENT, 100)
    assert saved.read(150, 100) == (DOCUMENT, 50)
    saved.write(b"newer", 140)
    assert saved.read(150, 100) == (b"newer", 10)


def test_nobody_else_may_read_or_write_it_and_nothing_else_is_left(saved: SavedKeys) -> None:
    before = os.umask(0)
    try:
        saved.write(DOCUMENT, 100)
    finally:
        os.umask(before)
    assert saved.path.stat().st_mode & 0o777 == 0o600
    assert saved.folder.stat().st_mode & 0o777 == 0o700
    assert list(saved.folder.iterdir()) == [saved.path]
    assert saved.path.suffix == ".jwks"
    assert "idp" not in saved.path.name


@pytest.mark.parametrize(
    ("now", "detail"),
    [(99.9, "from the future"), (-1e9, "from the future"), (200.1, "too old"), (1e12, "too old")],
)
def test_sec_26_its_age_is_bounded_on_both_sides(saved: SavedKeys, now: float, detail: str) -> None:
    saved.write(DOCUMENT, 100)
    assert _not_read(saved, now) == detail
    assert saved.read(100, 100) == (DOCUMENT, 0)
    assert saved.read(200, 100) == (DOCUMENT, 100)


def test_sec_16_the_keys_of_another_issuer_or_place_are_not_believed(saved: SavedKeys) -> None:
    saved.write(DOCUMENT, 100)
    for other in (
        SavedKeys(saved.folder, "https://other.example", PLACE),
        SavedKeys(saved.folder, ISSUER, "https://idp.example/elsewhere"),
        SavedKeys(saved.folder, ISSUER + "\0", PLACE[1:]),
    ):
        assert _not_read(other) == "not there"
        saved.path.rename(other.path)
        assert _not_read(other) == "of another issuer"
        other.path.rename(saved.path)


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (lambda content: content[:-1], "not whole"),
        (lambda content: content + b" ", "not whole"),
        (lambda content: content.replace(b'"keys"', b'"kEys"'), "not whole"),
        (lambda _: b"", "cannot be read"),
        (lambda _: b"\xff\xfe\n", "cannot be read"),
        (lambda content: content[1:], "cannot be read"),
        (
            lambda content: content.replace(b'"loaded_at":100', b'"loaded_at":"100"'),
            "cannot be read",
        ),
        (lambda content: content.replace(b'"loaded_at":100', b'"loaded_at":NaN'), "cannot be read"),
        (lambda content: content.replace(b'{"iss', b'{"x":1,"iss'), "cannot be read"),
        (lambda content: content + b"x" * 10_000, "too large"),
    ],
)
def test_what_was_changed_or_cut_is_not_believed(
    saved: SavedKeys, change: Callable[[bytes], bytes], detail: str
) -> None:
    saved.write(DOCUMENT, 100.0)
    content = saved.path.read_bytes()
    changed = change(content.replace(b'"loaded_at":100.0', b'"loaded_at":100'))
    saved.path.write_bytes(changed)
    assert _not_read(saved) == detail


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_not_believed(saved: SavedKeys, mode: int) -> None:
    saved.write(DOCUMENT, 100)
    saved.path.chmod(mode)
    assert _not_read(saved) == "others may write there"


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_a_folder_that_others_may_write_is_not_used(saved: SavedKeys, mode: int) -> None:
    saved.write(DOCUMENT, 100)
    saved.folder.chmod(mode)
    assert _not_read(saved) == "others may write there"
    assert _not_written(saved) == "others may write there"


def test_what_belongs_to_somebody_else_is_not_believed(
    saved: SavedKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved.write(DOCUMENT, 100)
    monkeypatch.setattr(os, "geteuid", lambda: saved.path.stat().st_uid + 1)
    assert _not_read(saved) == "others may write there"
    assert _not_written(saved) == "others may write there"


def test_links_pipes_and_folders_are_not_read(saved: SavedKeys, tmp_path: Path) -> None:
    saved.write(DOCUMENT, 100)
    elsewhere = tmp_path / "elsewhere"
    saved.path.rename(elsewhere)
    saved.path.symlink_to(elsewhere)
    assert _not_read(saved) == "cannot be read"
    saved.path.unlink()
    os.mkfifo(saved.path, 0o600)
    assert _not_read(saved) == "not a file"
    saved.path.unlink()
    saved.path.mkdir(0o700)
    assert _not_read(saved) in {"not a file", "cannot be read"}
    assert _not_written(saved) == "cannot be written"
    assert list(saved.folder.iterdir()) == [saved.path], "and nothing half-written is left"


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    saved = SavedKeys(tmp_path / "file" / "keys", ISSUER, PLACE)
    assert _not_written(saved) == "cannot be written"
    assert _not_read(saved) == "cannot be read"


def test_a_folder_that_would_be_believed_is_only_looked_at(tmp_path: Path) -> None:
    check_folder(tmp_path / "not" / "there")
    assert not list(tmp_path.iterdir())
    tmp_path.chmod(0o755)
    check_folder(tmp_path)


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_folder_that_others_may_write_is_named(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(NotSaved) as refused:
        check_folder(tmp_path)
    assert refused.value.detail == "others may write there"


@pytest.mark.parametrize(("name", "detail"), [("f", "not a folder"), ("f/g", "cannot be read")])
def test_what_is_no_folder_is_named(tmp_path: Path, name: str, detail: str) -> None:
    (tmp_path / "f").touch()
    with pytest.raises(NotSaved) as refused:
        check_folder(tmp_path / name)
    assert refused.value.detail == detail
