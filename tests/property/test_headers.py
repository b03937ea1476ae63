"""Whatever a claim holds and however a client spells a name: what the upstream gets is ours."""

from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from gatepass.plugin.decision import Allow, apply_headers, spellings_to_remove
from gatepass.plugin.headers import fold_name, header_text
from gatepass.plugin.inspection import HeaderInspector
from gatepass.plugin.request import Request

OURS = (b"x-gatepass-user", b"x-gatepass-team-id", b"x-gatepass-role", b"authorization")


@st.composite
def spellings(draw: st.DrawFn) -> bytes:
    """Any letter case of one of our names, with `-` and `_` exchanged at will."""
    name = draw(st.sampled_from(OURS)).decode()
    letters = [
        draw(st.sampled_from("-_" if letter == "-" else (letter, letter.upper())))
        for letter in name
    ]
    return "".join(letters).encode()


others = st.binary(min_size=1, max_size=20).filter(lambda name: fold_name(name) not in OURS)
values = st.binary(max_size=20)


@given(st.text())
def test_sec_47_header_text_is_printable_ascii_and_loses_nothing(text: str) -> None:
    value = header_text(text)
    assert all(0x20 <= octet < 0x7F for octet in value)
    assert value == value.strip()
    assert unquote(value.decode(), errors="surrogatepass") == text


@given(st.lists(st.tuples(st.one_of(spellings(), others), values)))
def test_sec_44_no_spelling_of_our_headers_survives(headers: list[tuple[bytes, bytes]]) -> None:
    ours = ((b"x-gatepass-user", b"ann"),)
    decision = Allow("r", None, ours, frozenset(OURS))
    upstream = apply_headers(decision, headers)
    assert upstream[-1:] == list(ours)
    assert not [name for name, _ in upstream[:-1] if fold_name(name) in OURS]
    kept = [pair for pair in headers if fold_name(pair[0]) not in OURS]
    assert upstream[:-1] == kept
    gone = spellings_to_remove(decision, headers)
    assert sorted(gone) == sorted(name for name, _ in headers if fold_name(name) in OURS)


@given(st.lists(st.tuples(st.one_of(spellings(), others), values), max_size=8))
def test_sec_43_learning_names_changes_no_verdict(headers: list[tuple[bytes, bytes]]) -> None:
    def inspector() -> HeaderInspector:
        return HeaderInspector(
            token_headers=(b"authorization",),
            identity_headers=frozenset(OURS[:3]),
            team_header=b"x-gatepass-team",
        )

    def verdict(inspecting: HeaderInspector) -> object:
        request = Request("GET", b"/", headers)
        try:
            return inspecting.inspect(request)
        except Exception as error:  # noqa: BLE001 - the kind of refusal is the verdict
            return type(error), str(error)

    taught = inspector()
    first = verdict(taught)
    assert verdict(taught) == first == verdict(inspector())
