"""A decision in APISIX's terms: which headers go, in which spelling, and which come."""

from itertools import permutations, product

import pytest

from gatepass.plugin.decision import Allow
from gatepass.plugin.gateways.apisix import verdict as module
from gatepass.plugin.gateways.apisix.names import REQUEST_ID
from gatepass.plugin.gateways.apisix.questions import Rewrite
from gatepass.plugin.gateways.apisix.verdict import MOST_DASHES, to_rewrite, to_stop
from gatepass.plugin.headers import Header, fold_name
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for

OURS = frozenset({b"x-user-id", b"x-role", b"authorization"})
SET: tuple[Header, ...] = ((b"x-user-id", b"ann"), (b"x-role", b"internal_user"))
FOUR = {b"x-user-id", b"x_user-id", b"x-user_id", b"x_user_id"}


def rewrite(
    headers: tuple[Header, ...] = (),
    removed: frozenset[bytes] = OURS,
    told: tuple[Header, ...] = SET,
    *,
    show_usage: bool = False,
) -> Rewrite:
    return to_rewrite(Allow("r-1", None, told, removed), headers, show_usage=show_usage)


def gone(ending: Rewrite, name: bytes) -> set[bytes]:
    """Return the spellings of a name that the upstream gets nothing of."""
    return {one for one in ending.removed if fold_name(one) == name}


def test_0c_every_spelling_goes_whether_or_not_the_call_showed_it() -> None:
    """Behind a hundred headers stand more, which a call does not show and APISIX sends on."""
    for headers in ((), ((b"x_user_id", b"root"),), ((b"accept", b"*/*"),)):
        ending = rewrite(headers, told=())
        assert gone(ending, b"x-user-id") == FOUR
        assert gone(ending, b"x-role") == {b"x-role", b"x_role"}
        assert gone(ending, b"authorization") == {b"authorization"}


def test_0c_setting_a_header_takes_its_other_spellings_away() -> None:
    ending = rewrite()
    assert ending.headers == SET
    assert gone(ending, b"x-user-id") == FOUR - {b"x-user-id"}
    assert gone(ending, b"x-role") == {b"x_role"}


def test_sec_46_what_is_not_told_of_this_caller_goes_all_the_same() -> None:
    ending = rewrite(told=SET[:1])
    assert gone(ending, b"x-role") == {b"x-role", b"x_role"}


def test_0b_names_are_in_lower_case() -> None:
    """APISIX up to 3.17 keeps the client's value of a name in other letters."""
    ending = rewrite(((b"X-User-ID", b"root"), (b"X_USER_id", b"root")))
    assert all(name == name.lower() for name in ending.removed)
    assert gone(ending, b"x-user-id") == FOUR - {b"x-user-id"}


def test_nothing_is_both_set_and_taken_away() -> None:
    ending = rewrite(((b"x-user-id", b"root"), (b"x-role", b"root"), (REQUEST_ID, b"root")))
    assert not set(ending.removed) & ({name for name, _ in ending.headers} | {REQUEST_ID})
    assert len(ending.removed) == len(set(ending.removed))


def test_sec_44_a_name_of_ours_may_itself_have_an_underscore() -> None:
    ending = rewrite(told=((b"x_user_id", b"ann"),))
    assert gone(ending, b"x-user-id") == FOUR - {b"x_user_id"}


def test_sec_44_the_requests_id_cannot_be_forged() -> None:
    """It is what a usage report names; its own spelling is set, every other one goes."""
    ending = rewrite(removed=frozenset(), told=())
    assert ending.request_id == "r-1"
    assert gone(ending, REQUEST_ID) == {
        b"x_gatepass-request",
        b"x-gatepass_request",
        b"x_gatepass_request",
    }


@pytest.mark.parametrize("dashes", range(1, MOST_DASHES + 1))
def test_sec_44_a_name_of_so_many_dashes_goes_in_every_spelling(dashes: int) -> None:
    parts = [b"p%d" % number for number in range(dashes + 1)]
    ending = rewrite(removed=frozenset({b"-".join(parts)}), told=())
    wanted = {
        b"".join(part + mark for part, mark in zip(parts, (*marks, b""), strict=True))
        for marks in product((b"-", b"_"), repeat=dashes)
    }
    assert gone(ending, b"-".join(parts)) == wanted


def test_a_name_of_more_dashes_goes_as_it_was_sent_and_in_the_two_plain_spellings() -> None:
    """A call that may have been cut is refused, so whatever was sent was seen."""
    name = b"-".join([b"p"] * (MOST_DASHES + 2))
    odd = name.replace(b"-", b"_", 3)
    ending = rewrite(((odd, b"root"),), frozenset({name}), ())
    assert gone(ending, name) == {name, name.replace(b"-", b"_"), odd}


def test_sec_48_the_token_goes_unless_the_profile_lets_it_through() -> None:
    assert b"authorization" in rewrite().removed
    assert b"authorization" not in rewrite(removed=OURS - {b"authorization"}).removed


def test_sec_45_a_connection_header_goes_when_the_gate_says_so() -> None:
    headers = ((b"connection", b"close, x-user-id"),)
    assert b"connection" not in rewrite(headers).removed
    assert b"connection" in rewrite(headers, OURS | {b"connection"}).removed


def test_what_is_not_ours_is_left_alone() -> None:
    headers = ((b"accept", b"*/*"), (b"x-user-ids", b"1"), (b"x--user-id", b"2"), (b"\xff", b"3"))
    assert rewrite(headers) == rewrite()


@pytest.mark.parametrize("show_usage", [True, False])
def test_a_response_that_shows_its_usage_is_not_compressed(*, show_usage: bool) -> None:
    assert (b"accept-encoding" in rewrite(show_usage=show_usage).removed) is show_usage


def test_one_requests_headers_are_never_anothers() -> None:
    """What is removed is remembered for the next request of the same kind."""
    for _ in range(2):
        for removed in (OURS, OURS - {b"x-role"}):
            for told in (SET, SET[:1], ()):
                for show_usage in (False, True):
                    names = set(rewrite((), removed, told, show_usage=show_usage).removed)
                    spelled = {b"x-role", b"x_role"} if b"x-role" in removed else set()
                    assert {one for one in names if fold_name(one) == b"x-role"} == spelled - {
                        name for name, _ in told
                    }
                    assert (b"accept-encoding" in names) is show_usage


def test_sec_41_what_a_client_sends_makes_no_new_memory() -> None:
    """Else shuffled spellings would make each verdict dear, and push everybody else's out."""
    names = [b"x_user_id", b"x-user_id", b"x_user-id", b"x_role", b"x_gatepass_request"]
    first = rewrite()
    module._removed.cache_clear()
    for order in permutations(names):
        assert rewrite(tuple((name, b"root") for name in order)) == first
    assert module._removed.cache_info().currsize == 1


def test_sec_41_nor_does_their_order_where_they_must_be_seen() -> None:
    name = b"-".join([b"p"] * (MOST_DASHES + 2))
    odd = [name.replace(b"-", b"_", count) for count in (2, 3, 4)]
    module._removed.cache_clear()
    for order in permutations(odd):
        rewrite(tuple((one, b"root") for one in order), frozenset({name}), ())
    assert module._removed.cache_info().currsize == 1


def test_0a_a_refusal_is_a_status_a_body_and_its_headers() -> None:
    refusal = refuse_for(Reason.BUDGET_EXCEEDED, 17)
    ending = to_stop(refusal)
    assert (ending.status, ending.body) == (429, refusal.body)
    assert ending.headers == (*refusal.response_headers, (b"cache-control", b"no-store"))
