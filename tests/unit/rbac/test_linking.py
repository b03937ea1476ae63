"""Whose row is it? Every way in which one person's account could end up with another."""

import pytest
from msgspec.structs import replace

from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.linking import (
    EmailState,
    Evidence,
    LinkDenied,
    LinkPolicy,
    LinkRules,
    Match,
    Obstacle,
    StoredPerson,
    check_names_new_row,
    decide_link,
)
from support.callers import NOBODY, SOMEBODY

HOME = SOMEBODY.issuer
OTHER = "https://other.example"
ANN = replace(
    SOMEBODY, subject="sub-ann", user_id="ann", email="ann@corp.example", email_verified=True
)
TRUSTING = LinkRules(email_issuers=frozenset({HOME}))


def invited(**members: object) -> StoredPerson:
    """An unbound row that an operator has entered with Ann's address."""
    row = {"user_id": "row", "email": ANN.email, "email_state": EmailState.ENTERED} | members
    return StoredPerson(**row)  # type: ignore[arg-type] # the members are named by each test


def named(**members: object) -> StoredPerson:
    """An unbound row with Ann's id, of the issuer that she comes from."""
    row = {"user_id": "ann", "home_issuer": HOME} | members
    return StoredPerson(**row)  # type: ignore[arg-type] # the members are named by each test


def refused(
    *rows: StoredPerson, identity: Identity = ANN, rules: LinkRules = TRUSTING
) -> AccessFault:
    with pytest.raises(AccessDenied) as caught:
        decide_link(identity, rows, rules)
    return caught.value.fault


def test_sec_54_who_you_are_is_issuer_and_subject_whatever_else_the_token_says() -> None:
    own = StoredPerson("row", issuer=HOME, subject="sub-ann")
    others = [named(issuer=OTHER, subject="x"), invited(user_id="r2"), invited(user_id="r3")]
    assert decide_link(ANN, [*others, own], TRUSTING) == Match("row", Evidence.SUBJECT)


def test_sec_54_the_same_subject_of_another_issuer_is_another_person() -> None:
    foreign = StoredPerson("row", home_issuer=OTHER, issuer=OTHER, subject="sub-ann")
    assert decide_link(ANN, [foreign], TRUSTING) is None
    by_sso_id = StoredPerson("row", home_issuer=OTHER, sso_user_id="sub-ann")
    assert decide_link(ANN, [by_sso_id], TRUSTING) is None


@pytest.mark.parametrize(
    ("row", "evidence"),
    [
        (named(), Evidence.USER_ID),
        (named(sso_user_id="sub-ann"), Evidence.USER_ID),
        (named(sso_user_id="ann"), Evidence.USER_ID),
        (named(user_id="legacy", sso_user_id="sub-ann"), Evidence.SSO_USER_ID),
        (named(user_id="legacy", sso_user_id="ann"), Evidence.SSO_USER_ID),
        (named(privileged=True), Evidence.USER_ID),
        (named(email="somebody@else.example", email_state=EmailState.ENTERED), Evidence.USER_ID),
    ],
)
def test_an_id_links_in_the_rows_home_issuer(row: StoredPerson, evidence: Evidence) -> None:
    stranger = replace(ANN, email=None, email_verified=False)
    for rules in (LinkRules(LinkPolicy.NEVER), TRUSTING):
        assert decide_link(stranger, [row], rules) == Match(row.user_id, evidence)


@pytest.mark.parametrize(
    "row",
    [
        named(home_issuer=OTHER),
        named(home_issuer=None),
        named(user_id="legacy", home_issuer=None, sso_user_id="sub-ann"),
        named(issuer=HOME, subject="sub-bob"),
        named(issuer=OTHER, subject="sub-ann"),
        named(sso_user_id="sub-bob"),
        named(unlinked=True),
        named(user_id="legacy", sso_user_id="sub-ann", unlinked=True),
        named(user_id="legacy", sso_user_id="sub-ann", issuer=HOME, subject="sub-bob"),
    ],
    ids=[
        "another home",
        "no home",
        "sso id without a home",
        "bound to another subject",
        "bound to another issuer",
        "sso id of another subject",
        "unlinked from it",
        "unlinked from it by sso id",
        "sso id bound to another subject",
    ],
)
def test_sec_53_an_id_never_opens_another_persons_row(row: StoredPerson) -> None:
    assert refused(row) is AccessFault.IDENTITY_DENIED


def test_sec_53_two_rows_with_the_callers_ids_are_nobodys_guess() -> None:
    rows = [named(), named(user_id="legacy", sso_user_id="sub-ann")]
    assert refused(*rows) is AccessFault.IDENTITY_DENIED


def test_an_id_goes_before_an_address() -> None:
    assert decide_link(ANN, [invited(), named()], TRUSTING) == Match("ann", Evidence.USER_ID)
    assert refused(invited(), named(home_issuer=OTHER)) is AccessFault.IDENTITY_DENIED


def test_sec_52_a_verified_address_links_the_one_unbound_row() -> None:
    assert decide_link(ANN, [invited()], TRUSTING) == Match("row", Evidence.VERIFIED_EMAIL)
    foreign = invited(home_issuer=OTHER)
    assert decide_link(ANN, [foreign], TRUSTING) == Match("row", Evidence.VERIFIED_EMAIL)


@pytest.mark.parametrize(
    "row",
    [
        invited(issuer=HOME, subject="sub-bob"),
        invited(issuer=OTHER, subject="sub-ann"),
        invited(sso_user_id="sub-bob", home_issuer=HOME),
        invited(sso_user_id="sub-bob", home_issuer=OTHER),
        invited(privileged=True),
        invited(unlinked=True),
        invited(email_state=EmailState.VERIFIED, issuer=HOME, subject="sub-bob"),
    ],
    ids=[
        "bound",
        "bound elsewhere",
        "another sso id",
        "another sso id elsewhere",
        "an administrator",
        "unlinked from it",
        "verified by another",
    ],
)
def test_sec_53_an_address_never_opens_a_row_that_is_somebodys(row: StoredPerson) -> None:
    assert refused(row) is AccessFault.IDENTITY_DENIED


def test_sec_52_an_unverified_address_is_refused_and_never_guessed() -> None:
    claimed = replace(ANN, email_verified=False)
    assert refused(invited(), identity=claimed) is AccessFault.IDENTITY_DENIED


def test_sec_52_an_issuer_that_is_not_trusted_with_addresses_links_none() -> None:
    assert refused(invited(), rules=LinkRules()) is AccessFault.IDENTITY_DENIED
    elsewhere = LinkRules(email_issuers=frozenset({OTHER}))
    assert refused(invited(), rules=elsewhere) is AccessFault.IDENTITY_DENIED


def test_sec_53_two_rows_with_one_address_are_nobodys_guess() -> None:
    assert refused(invited(), invited(user_id="other")) is AccessFault.IDENTITY_DENIED
    bound = invited(user_id="other", issuer=HOME, subject="sub-bob")
    assert refused(invited(), bound) is AccessFault.IDENTITY_DENIED


def test_sec_52_an_address_that_a_token_only_asserted_is_never_matched() -> None:
    squatter = invited(
        user_id="mallory", email_state=EmailState.ASSERTED, issuer=HOME, subject="sub-mallory"
    )
    assert decide_link(ANN, [squatter], TRUSTING) is None
    assert decide_link(ANN, [squatter, invited()], TRUSTING) == Match(
        "row", Evidence.VERIFIED_EMAIL
    )


@pytest.mark.parametrize(
    "address",
    ["bob@corp.example", "ann@corp.example.evil.example", "ann+x@corp.example", "%@corp.example"],
)
def test_sec_52_only_the_same_address_is_the_same(address: str) -> None:
    assert decide_link(replace(ANN, email=address), [invited()], TRUSTING) is None


@pytest.mark.parametrize(
    ("domains", "links"),
    [
        ({"corp.example"}, True),
        ({"other.example", "corp.example"}, True),
        ({"other.example"}, False),
        ({"example"}, False),
        ({"ann@corp.example"}, False),
        ({"sub.corp.example"}, False),
        (set(), False),
    ],
)
def test_sec_52_only_addresses_of_the_allowed_domains_link(domains: set[str], links: bool) -> None:  # noqa: FBT001 - a column of the table
    rules = LinkRules(email_issuers=frozenset({HOME}), email_domains=frozenset(domains))
    if links:
        assert decide_link(ANN, [invited()], rules) == Match("row", Evidence.VERIFIED_EMAIL)
    else:
        assert refused(invited(), rules=rules) is AccessFault.IDENTITY_DENIED


def test_the_policy_says_which_rows_an_address_may_link() -> None:
    never = LinkRules(LinkPolicy.NEVER, frozenset({HOME}))
    only_invited = LinkRules(LinkPolicy.INVITED_ONLY, frozenset({HOME}))
    for row in (invited(), invited(invited=True)):
        assert refused(row, rules=never) is AccessFault.IDENTITY_DENIED
    assert refused(invited(), rules=only_invited) is AccessFault.IDENTITY_DENIED
    assert decide_link(ANN, [invited(invited=True)], only_invited) == Match(
        "row", Evidence.VERIFIED_EMAIL
    )


def test_nobody_is_matched_where_nothing_matches() -> None:
    stranger = StoredPerson("bob", HOME, HOME, "sub-bob", "sso-bob", "bob@corp.example")
    for rows in ([], [stranger]):
        assert decide_link(ANN, rows, TRUSTING) is None


def test_a_machine_has_the_row_of_its_subject_and_no_other() -> None:
    machine = replace(NOBODY, subject="sub-ann", email=ANN.email, email_verified=True)
    bound = StoredPerson("row", issuer=HOME, subject="sub-ann")
    assert decide_link(machine, [bound], TRUSTING) == Match("row", Evidence.SUBJECT)
    rows = [named(user_id="legacy", sso_user_id="sub-ann"), invited()]
    assert decide_link(machine, rows, TRUSTING) is None


BY_ADDRESS = replace(ANN, user_id="Ann@Corp.Example")


def by_address(**members: object) -> StoredPerson:
    """An unbound row whose id is Ann's address, of the issuer that she comes from."""
    return named(user_id="Ann@Corp.Example", **members)


@pytest.mark.parametrize(
    ("identity", "row"),
    [
        (replace(BY_ADDRESS, email_verified=False), by_address()),
        (replace(BY_ADDRESS, email=None, email_verified=False), by_address()),
        (replace(BY_ADDRESS, email="mallory@corp.example"), by_address()),
        (replace(BY_ADDRESS, user_id="\u00e4nn@x"), named(user_id="\u00e4nn@x")),
        (replace(BY_ADDRESS, email_verified=False), named(sso_user_id="Ann@Corp.Example")),
        (BY_ADDRESS, by_address(privileged=True)),
    ],
    ids=[
        "not verified",
        "an address that only the id says",
        "another address verified",
        "not an address that could be verified",
        "as the id at the provider",
        "an administrator's",
    ],
)
def test_sec_53_an_id_that_is_an_address_proves_no_more_than_one(
    identity: Identity, row: StoredPerson
) -> None:
    assert refused(row, identity=identity) is AccessFault.IDENTITY_DENIED


def test_sec_52_an_id_that_is_an_address_links_as_addresses_do() -> None:
    found = Match("Ann@Corp.Example", Evidence.USER_ID)
    assert decide_link(BY_ADDRESS, [by_address()], TRUSTING) == found
    issuers = frozenset({HOME})
    for rules in (
        LinkRules(),
        LinkRules(LinkPolicy.NEVER, issuers),
        LinkRules(LinkPolicy.INVITED_ONLY, issuers),
        LinkRules(email_issuers=issuers, email_domains=frozenset({"other.example"})),
    ):
        assert refused(by_address(), identity=BY_ADDRESS, rules=rules)
    only_invited = LinkRules(LinkPolicy.INVITED_ONLY, issuers)
    assert decide_link(BY_ADDRESS, [by_address(invited=True)], only_invited) == found


@pytest.mark.parametrize("privileged", [True, False])
def test_a_subject_that_is_an_address_is_the_issuers_own_word(*, privileged: bool) -> None:
    identity = replace(
        ANN, subject="ann@corp.example", user_id="ann@corp.example", email_verified=False
    )
    for row in (
        named(user_id="ann@corp.example", privileged=privileged),
        named(user_id="legacy", sso_user_id="ann@corp.example", privileged=privileged),
    ):
        assert decide_link(identity, [row], LinkRules()) is not None
    by_sso_id = by_address(sso_user_id=BY_ADDRESS.subject, privileged=privileged)
    claimed = replace(BY_ADDRESS, email_verified=False)
    assert decide_link(claimed, [by_sso_id], LinkRules()) is not None


def test_sec_53_no_row_is_made_for_an_id_that_is_an_address_nobody_verified() -> None:
    check_names_new_row(ANN, LinkRules())
    check_names_new_row(BY_ADDRESS, TRUSTING)
    check_names_new_row(replace(ANN, subject="a@x.io", user_id="a@x.io"), LinkRules())
    for identity, rules in (
        (BY_ADDRESS, LinkRules()),
        (replace(BY_ADDRESS, email_verified=False), TRUSTING),
        (replace(BY_ADDRESS, user_id="bob@corp.example"), TRUSTING),
    ):
        with pytest.raises(AccessDenied) as caught:
            check_names_new_row(identity, rules)
        assert caught.value.fault is AccessFault.IDENTITY_DENIED


UNTRUSTED = LinkRules()
OBSTACLES = {
    Obstacle.NO_HOME_ISSUER: (named(home_issuer=None), TRUSTING),
    Obstacle.OTHER_HOME_ISSUER: (named(home_issuer=OTHER), TRUSTING),
    Obstacle.BOUND: (named(issuer=HOME, subject="x"), TRUSTING),
    Obstacle.OTHER_SSO_USER_ID: (named(sso_user_id="x"), TRUSTING),
    Obstacle.UNLINKED: (named(unlinked=True), TRUSTING),
    Obstacle.ADDRESS_NOT_PROVEN: (invited(), UNTRUSTED),
    Obstacle.POLICY_NEVER: (invited(), LinkRules(LinkPolicy.NEVER, frozenset({HOME}))),
    Obstacle.DOMAIN: (
        invited(),
        LinkRules(email_issuers=frozenset({HOME}), email_domains=frozenset({"other.example"})),
    ),
    Obstacle.PRIVILEGED: (invited(privileged=True), TRUSTING),
    Obstacle.NOT_INVITED: (invited(), LinkRules(LinkPolicy.INVITED_ONLY, frozenset({HOME}))),
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_the_operator_is_told_which_row_and_which_rule(obstacle: Obstacle) -> None:
    row, rules = OBSTACLES[obstacle]
    with pytest.raises(LinkDenied) as caught:
        decide_link(ANN, [row], rules)
    assert (caught.value.obstacle, caught.value.user_id) == (obstacle, row.user_id)


@pytest.mark.parametrize(
    ("members", "obstacle"),
    [
        ({"issuer": HOME, "subject": "x"}, Obstacle.BOUND),
        ({"sso_user_id": "x"}, Obstacle.OTHER_SSO_USER_ID),
        ({"unlinked": True}, Obstacle.UNLINKED),
    ],
)
def test_the_same_of_a_row_with_the_address(members: dict[str, object], obstacle: Obstacle) -> None:
    with pytest.raises(LinkDenied) as caught:
        decide_link(ANN, [invited(**members)], TRUSTING)
    assert caught.value.obstacle is obstacle


def test_of_several_rows_none_is_named() -> None:
    with pytest.raises(LinkDenied) as caught:
        decide_link(ANN, [invited(user_id="r1"), invited(user_id="r2")], TRUSTING)
    assert (caught.value.obstacle, caught.value.user_id) == (Obstacle.SEVERAL_ROWS, None)
