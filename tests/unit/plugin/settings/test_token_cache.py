import pytest

from gatepass.jwks import CacheBounds
from gatepass.plugin.settings import compile_settings
from support.settings import sentences_of, settings_with


def test_verified_tokens_are_remembered_as_the_library_does_by_default() -> None:
    assert compile_settings(settings_with()).token_cache == CacheBounds()


def test_the_memory_of_verified_tokens_as_said() -> None:
    said = {"max_tokens": "50000", "max_bytes": "64MiB", "max_age": "1m"}
    compiled = compile_settings(settings_with(token_cache=said))
    assert compiled.token_cache == CacheBounds(50_000, 64 * 1024 * 1024, 60)


@pytest.mark.parametrize(("said", "size"), [("1KiB", 1024), ("4096MiB", 4 * 1024**3)])
def test_the_memory_has_bounds_of_its_own(said: str, size: int) -> None:
    compiled = compile_settings(settings_with(token_cache={"max_bytes": said}))
    assert compiled.token_cache.max_bytes == size


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_tokens", 0),
        ("max_tokens", 1_000_001),
        ("max_tokens", "many"),
        ("max_bytes", "4097MiB"),
        ("max_bytes", "0KiB"),
        ("max_age", "0s"),
        ("max_age", "31d"),
    ],
)
def test_what_bounds_no_memory(name: str, value: object) -> None:
    (told,) = sentences_of(token_cache={name: value})
    assert told.startswith(f"token_cache.{name}: ")
