"""A decision in Kong's terms: which headers go and come, and whom Kong is told that calls."""

from uuid import UUID

import pytest
from msgspec.structs import replace

from gatepass.plugin.decision import Allow, Caller
from gatepass.plugin.gateways.kong.bounds import Consumer
from gatepass.plugin.gateways.kong.calls import (
    Authenticate,
    ClearHeader,
    Proceed,
    SetHeaders,
    Share,
)
from gatepass.plugin.gateways.kong.verdict import to_exit, to_proceed
from gatepass.plugin.headers import Header
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from gatepass.rbac.identity import Identity
from gatepass.rbac.models import ALL_MODELS
from gatepass.rbac.principals import Organization, Principals, Team, User
from gatepass.rbac.roles import Role
from support.callers import NOBODY, SOMEBODY

OURS = frozenset({b"x-gatepass-user", b"x-gatepass-role", b"authorization"})
SET = ((b"x-gatepass-user", b"user-1"), (b"x-gatepass-role", b"internal_user"))
SENT: tuple[Header, ...] = ((b"host", b"h"), (b"authorization", b"Bearer x"), (b"accept", b"*/*"))


def caller(
    identity: Identity = SOMEBODY,
    user: str | None = None,
    team: str | None = None,
    organization: str | None = None,
) -> Caller:
    rows = Principals(
        user=None if user is None else User(user, ALL_MODELS),
        team=None if team is None else Team(team, ALL_MODELS),
        organization=None if organization is None else Organization(organization, ALL_MODELS),
    )
    return Caller(identity, rows, Role.INTERNAL_USER)


def allow(who: Caller | None, removed: frozenset[bytes] = OURS) -> Allow:
    return Allow("r-1", who, SET if who else (), removed)


def proceed(
    headers: tuple[Header, ...] = SENT,
    who: Caller | None = None,
    consumer: Consumer = Consumer.USER,
    removed: frozenset[bytes] = OURS,
) -> Proceed:
    return to_proceed(allow(who, removed), headers, consumer)


def cleared(ending: Proceed) -> list[bytes]:
    return [command.name for command in ending.commands if isinstance(command, ClearHeader)]


def authenticated(who: Caller, consumer: Consumer = Consumer.USER) -> Authenticate:
    ending = proceed(who=who, consumer=consumer)
    (command,) = [one for one in ending.commands if isinstance(one, Authenticate)]
    return command


def groups(who: Caller) -> object:
    (command,) = [one for one in proceed(who=who).commands if isinstance(one, Share)]
    assert command.key == b"authenticated_groups"
    return command.value


SPELLINGS = (
    b"x-gatepass-user",
    b"x_gatepass_user",
    b"x-gatepass_user",
    b"x_gatepass-user",
    b"X-Gatepass-User",
    b"X-GATEPASS_USER",
    b"x-gatepass-Role",
    b"x-gatepass_role",
    b"AUTHORIZATION",
)


@pytest.mark.parametrize("name", SPELLINGS)
def test_sec_44_every_spelling_of_a_name_of_ours_is_cleared_as_it_was_sent(name: bytes) -> None:
    """Kong clears the name that it is told in any case, and `X_User_Id` is another name to it."""
    for who in (None, caller()):
        assert cleared(proceed(((b"a", b""), (name, b"evil"), (b"b", b"")), who)) == [name]


def test_sec_44_all_spellings_of_one_request_are_cleared_each_once() -> None:
    headers = tuple((name, b"evil") for name in (*SPELLINGS, *SPELLINGS))
    assert cleared(proceed(headers, caller())) == list(SPELLINGS)


@pytest.mark.parametrize(
    "name",
    [b"x-gatepass-users", b"gatepass-user", b"x--gatepass-user", b"_", b"-", b"1", b"", b"\xff"],
)
def test_what_is_not_ours_is_left_alone(name: bytes) -> None:
    assert cleared(proceed(((name, b"v"),), caller())) == []


def test_sec_44_46_clearing_comes_before_setting() -> None:
    ending = proceed(((b"x-gatepass-user", b"evil"), *SENT), caller())
    kinds = [type(command) for command in ending.commands]
    assert kinds == [ClearHeader, ClearHeader, SetHeaders, Authenticate, Share]
    assert ending.commands[2] == SetHeaders(SET)


def test_sec_48_the_token_goes_unless_the_profile_lets_it_through() -> None:
    assert cleared(proceed(SENT, caller())) == [b"authorization"]
    assert cleared(proceed(SENT, caller(), removed=OURS - {b"authorization"})) == []


def test_sec_45_a_connection_header_goes_when_the_gate_says_so() -> None:
    headers = (*SENT, (b"connection", b"x-gatepass-user"))
    assert b"connection" not in cleared(proceed(headers, caller()))
    gone = cleared(proceed(headers, caller(), removed=OURS | {b"connection"}))
    assert gone == [b"authorization", b"connection"]


def test_sec_46_a_public_route_sets_nothing_and_clears_everything() -> None:
    headers = (*SENT, *((name, b"evil") for name in SPELLINGS))
    ending = proceed(headers)
    assert {type(command) for command in ending.commands} == {ClearHeader}
    assert set(cleared(ending)) == {b"authorization", *SPELLINGS}
    assert ending.request_id == "r-1"


def test_an_allowed_request_is_always_named_for_the_marker() -> None:
    assert proceed(()).request_id == proceed((), caller()).request_id == "r-1"


ROWS = caller(user="u-1", team="t-1", organization="o-1")


@pytest.mark.parametrize(
    ("consumer", "name"),
    [(Consumer.USER, b"u-1"), (Consumer.TEAM, b"t-1"), (Consumer.ORGANIZATION, b"o-1")],
)
def test_the_setting_says_who_is_the_consumer(consumer: Consumer, name: bytes) -> None:
    command = authenticated(ROWS, consumer)
    assert command.consumer is not None
    number, username = command.consumer
    assert username == name
    assert str(UUID(number.decode())) == number.decode()  # Kong refuses an id that is none
    assert command.credential_id != number


@pytest.mark.parametrize(
    ("who", "consumer"),
    [
        (ROWS, Consumer.NONE),
        (caller(NOBODY, team="t-1"), Consumer.USER),
        (caller(user="u-1"), Consumer.TEAM),
        (caller(user="u-1", team="t-1"), Consumer.ORGANIZATION),
    ],
)
def test_a_caller_without_that_row_has_a_credential_and_no_consumer(
    who: Caller, consumer: Consumer
) -> None:
    command = authenticated(who, consumer)
    assert command.consumer is None
    assert UUID(command.credential_id.decode())


def test_ids_stay_the_same_in_every_process() -> None:
    """Kong's rate limits count by them."""
    assert authenticated(ROWS) == Authenticate(
        (b"e72f5d52-058f-5fc5-ab96-c14686f575a7", b"u-1"),
        b"64e293d2-c18d-5045-853f-4d1bf5ebeb81",
    )


def test_the_same_name_of_another_kind_is_another_consumer() -> None:
    same = caller(user="x", team="x", organization="x")
    ids = {authenticated(same, kind).consumer for kind in Consumer if kind != Consumer.NONE}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        (("a:b", "c"), ("a", "b:c")),
        (("1:a", "b"), ("1", "a1:b")),
        (("a", ""), ("", "a")),
        (("a\0b", "c"), ("a", "\0bc")),
        (("iss", "1:x"), ("iss1:", "x")),
    ],
)
def test_sec_49_54_parts_that_read_alike_in_a_row_are_other_callers(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    ids = {
        authenticated(caller(replace(SOMEBODY, issuer=issuer, subject=subject))).credential_id
        for issuer, subject in (one, other)
    }
    assert len(ids) == 2


def test_a_person_has_one_credential_whatever_the_rows_and_the_setting() -> None:
    ids = {
        authenticated(who, consumer).credential_id
        for who in (ROWS, caller(), caller(team="t"))
        for consumer in Consumer
    }
    assert len(ids) == 1


def test_groups_say_of_what_kind_they_are() -> None:
    assert groups(ROWS) == (b"role:internal_user", b"team:t-1", b"organization:o-1")
    assert groups(caller()) == (b"role:internal_user",)
    forged = groups(caller(team="x role:proxy_admin", organization="team:y"))
    assert forged == (b"role:internal_user", b"team:x role:proxy_admin", b"organization:team:y")


def test_names_beyond_ascii_are_utf_8() -> None:
    who = caller(user="zo\u00eb", team="\U0001f600")
    assert authenticated(who).consumer is not None
    assert groups(who) == (b"role:internal_user", "team:\U0001f600".encode())


def test_the_same_caller_with_the_same_headers_gets_the_same_tuple() -> None:
    """What is encoded once is remembered by it."""
    assert proceed(SENT, caller(user="u")).commands is proceed(SENT, caller(user="u")).commands


def test_repeating_a_header_does_not_fill_the_memory() -> None:
    one, many = ((b"x_gatepass_user", b"evil"),), ((b"x_gatepass_user", b"evil"),) * 900
    assert proceed(many, caller(user="u")).commands is proceed(one, caller(user="u")).commands


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.ALLOWED])
def test_sec_64_a_refusal_is_the_whole_answer(reason: Reason) -> None:
    """Kong adds no type, a length of ours would cut the body, and a 204 has none."""
    refusal = refuse_for(reason, 30 if reason is Reason.BUDGET_EXCEEDED else None)
    ending = to_exit(refusal)
    names = [name for name, _ in ending.headers]
    assert ending.status == reason.status
    assert ending.status >= 400
    assert ending.body == refusal.body
    assert len(set(names)) == len(names)
    assert dict(ending.headers)[b"content-type"] == b"application/json"
    assert dict(ending.headers)[b"cache-control"] == b"no-store"
    assert b"content-length" not in names
    assert (b"www-authenticate" in names) == (reason.status == 401)
    assert (b"retry-after" in names) == (reason.status == 429)


KONGS_OWN = (
    b"x-consumer-username",
    b"X_Consumer_ID",
    b"x-consumer-custom-id",
    b"x-credential-identifier",
    b"x-anonymous-consumer",
    b"x-authenticated-groups",
    b"x-consumer-groups",
)


@pytest.mark.parametrize("name", KONGS_OWN)
def test_sec_44_what_kongs_own_authentication_tells_no_client_tells(name: bytes) -> None:
    """An upstream behind Kong's jwt plugin believes these headers."""
    for who in (None, caller()):
        assert cleared(proceed(((name, b"admin"),), who)) == [name]


def test_no_group_can_be_made_of_a_name() -> None:
    """Kong's ACL plugin joins groups with commas for the upstream."""
    who = caller(team="red, role:proxy_admin", organization="100%2C")
    assert groups(who) == (
        b"role:internal_user",
        b"team:red%2C role:proxy_admin",
        b"organization:100%252C",
    )
