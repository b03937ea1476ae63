"""Names fold to one spelling; values go upstream as printable ASCII, whatever a claim holds."""

from urllib.parse import unquote

import pytest

from gatepass.plugin.headers import fold_name, header_text


@pytest.mark.parametrize(
    "spelling", [b"X-User-Id", b"x_user_id", b"X_USER-ID", b"x-user_ID", b"x-user-id"]
)
def test_sec_44_every_spelling_of_a_name_folds_to_one(spelling: bytes) -> None:
    assert fold_name(spelling) == b"x-user-id"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ann", b"ann"),
        ("ann@corp.example", b"ann@corp.example"),
        ("two words", b"two words"),
        ("50%", b"50%25"),
        ("%41", b"%2541"),
        ("a\r\nx-gatepass-role: proxy_admin", b"a%0D%0Ax-gatepass-role: proxy_admin"),
        ("a\x00b", b"a%00b"),
        ("\x7f", b"%7F"),
        ("Zo\u00eb", b"Zo%C3%AB"),
        ("\u2028", b"%E2%80%A8"),
        ("\ud800", b"%ED%A0%80"),
        (" ann", b"%20ann"),
        ("ann ", b"ann%20"),
        (" \u00e9 \u00e9 ", b"%20%C3%A9 %C3%A9%20"),
        ("  ", b"%20%20"),
        ("", b""),
    ],
)
def test_sec_47_header_text(text: str, value: bytes) -> None:
    assert header_text(text) == value


@pytest.mark.parametrize("text", ["ann", "50%", "a\r\nb", "Zo\u00eb", " a ", "%20", "%"])
def test_sec_47_decoding_gives_the_text_back(text: str) -> None:
    assert unquote(header_text(text).strip().decode()) == text
