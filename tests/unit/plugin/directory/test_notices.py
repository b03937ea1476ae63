"""What notices say: enough to forget the right people, and nothing about who they are."""

from hypothesis import given
from hypothesis import strategies as st

from gatepass.plugin.directory.broadcast import MAX_ROWS, channel_of, read_message, to_message
from gatepass.plugin.directory.changed import Changed
from gatepass.plugin.directory.notices import ROW_BYTES, any_row, one_row, rows_changed

SENDER = b"8 bytes!"
ids = st.text(st.characters(exclude_categories=()))


def test_sec_60_a_notice_names_nobody() -> None:
    (row, every) = rows_changed([Changed("user", "ann@corp.example")])
    message = to_message(SENDER, (row, every))
    assert b"ann" not in message
    assert b"user" not in message
    assert len(message) == 1 + len(SENDER) + 2 * ROW_BYTES


def test_a_change_is_one_of_its_row_and_one_of_its_kind() -> None:
    changes = [Changed("team", "t1"), Changed("team", "t2"), Changed("team", "t1")]
    assert rows_changed(changes) == (
        one_row("team", "t1"),
        any_row("team"),
        one_row("team", "t2"),
    )


@given(ids, ids)
def test_sec_49_no_two_rows_share_a_name(one: str, other: str) -> None:
    names = {one_row("user", one), one_row("team", one), any_row("user"), any_row("team")}
    assert len(names) == 4
    assert (one_row("user", one) == one_row("user", other)) is (one == other)
    assert one_row("user", f"{one}\0{other}") != one_row("user", one)


@given(st.lists(st.binary(min_size=ROW_BYTES, max_size=ROW_BYTES), min_size=1, max_size=20))
def test_a_message_says_what_was_put_in(rows: list[bytes]) -> None:
    assert read_message(to_message(SENDER, rows)) == (SENDER, tuple(rows))


def test_too_many_rows_are_all_rows() -> None:
    many = [one_row("user", str(number)) for number in range(MAX_ROWS + 1)]
    assert read_message(to_message(SENDER, many)) == (SENDER, None)
    assert read_message(to_message(SENDER, many[:-1])) == (SENDER, tuple(many[:-1]))


@given(st.binary(max_size=60))
def test_what_cannot_be_read_is_all_rows_and_nobodys(content: bytes) -> None:
    sender, rows = read_message(content)
    if rows is None:
        assert sender in {b"", content[1:9]}
    else:
        assert to_message(sender, rows) == content


def test_messages_of_another_version_are_everybodys() -> None:
    other = b"\x02" + to_message(SENDER, [one_row("user", "ann")])[1:]
    assert read_message(other) == (b"", None)


def test_every_deployment_has_a_channel_of_its_own() -> None:
    assert channel_of("blue") != channel_of("green")
