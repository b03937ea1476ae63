"""How requests are called: what one id tells of another, and which requests share one."""

from gatepass.plugin.request_ids import RequestIds
from support.gates import chat

MANY = 3_000
"""More than are fetched at once, several times."""


def test_sec_59_whoever_sees_an_id_knows_no_other_one() -> None:
    ids = RequestIds()
    seen = [ids.name(chat(), b"") for _ in range(MANY)]
    assert len(set(seen)) == MANY
    for digits in (slice(0, 8), slice(8, 16), slice(16, 24), slice(24, 32)):
        parts = {one[digits] for one in seen}
        assert len(parts) > MANY - 10, "a part that is the same tells of the others"
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in seen)


def test_no_two_gates_share_an_id() -> None:
    first, second = RequestIds(), RequestIds()
    assert not {first.name(chat(), b"") for _ in range(300)} & {
        second.name(chat(), b"") for _ in range(300)
    }


def test_a_request_that_its_gateway_named_is_called_by_its_content() -> None:
    first, second = RequestIds(), RequestIds()
    named = chat(gateway_request_id="g-1")
    assert first.name(named, b"t") == second.name(named, b"t") == first.name(named, b"t")
    others = {
        first.name(named, b"u"),
        first.name(chat(gateway_request_id="g-2"), b"t"),
        first.name(chat(gateway_request_id="g-1", body=b"{}"), b"t"),
        first.name(chat(gateway_request_id="g-1", profile="p"), b"t"),
    }
    assert len(others) == 4
    assert first.name(named, b"t") not in others
