"""Whatever is stored and whatever a token says: nobody ever gets a row that is somebody else's."""

from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.linking import (
    EmailState,
    Evidence,
    LinkPolicy,
    LinkRules,
    Match,
    StoredPerson,
    decide_link,
)
from support.callers import NOBODY

# few words, so that everything collides with everything
WORDS = st.sampled_from(["a", "b"])
ISSUERS = st.sampled_from(["https://one.example", "https://two.example"])
EMAILS = st.sampled_from(["a@x.example", "a@y.example"])


def _maybe(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    return st.none() | strategy


@st.composite
def rows(draw: st.DrawFn, user_id: str) -> StoredPerson:
    bound, email = draw(st.booleans()), draw(_maybe(EMAILS))
    return StoredPerson(
        user_id=user_id,
        home_issuer=draw(_maybe(ISSUERS)),
        issuer=draw(ISSUERS) if bound else None,
        subject=draw(WORDS) if bound else None,
        sso_user_id=draw(_maybe(WORDS)),
        email=email,
        email_state=None if email is None else draw(st.sampled_from(EmailState)),
        invited=draw(st.booleans()),
        privileged=draw(st.booleans()),
        unlinked=draw(st.booleans()),
    )


@st.composite
def stored(draw: st.DrawFn) -> list[StoredPerson]:
    """Some rows that the database could hold: no id twice, no bound pair twice."""
    found = [draw(rows(user_id)) for user_id in draw(st.permutations(["a", "b", "c", "d"]))]
    pairs = [(row.issuer, row.subject) for row in found if row.issuer is not None]
    return found[: draw(st.integers(0, 4))] if len(pairs) == len(set(pairs)) else found[:1]


IDENTITIES = st.builds(
    lambda issuer, subject, user_id, email, verified: replace(
        NOBODY,
        issuer=issuer,
        subject=subject,
        user_id=user_id,
        email=email,
        email_verified=verified and email is not None,
    ),
    ISSUERS,
    WORDS,
    _maybe(WORDS),
    _maybe(EMAILS),
    st.booleans(),
)
RULES = st.builds(
    LinkRules,
    st.sampled_from(LinkPolicy),
    st.frozensets(ISSUERS),
    st.frozensets(st.sampled_from(["x.example", "y.example"])),
)


def outcome(
    identity: Identity, people: Sequence[StoredPerson], rules: LinkRules
) -> Match | AccessFault | None:
    try:
        return decide_link(identity, people, rules)
    except AccessDenied as denied:
        return denied.fault


@given(IDENTITIES, stored(), RULES)
def test_sec_53_a_row_that_is_somebodys_is_nobody_elses(
    identity: Identity, people: list[StoredPerson], rules: LinkRules
) -> None:
    match = outcome(identity, people, rules)
    if not isinstance(match, Match):
        return
    (row,) = (row for row in people if row.user_id == match.user_id)
    own = (row.issuer, row.subject) == (identity.issuer, identity.subject)
    assert own == (match.evidence is Evidence.SUBJECT)
    if own:
        return
    assert (row.issuer, row.unlinked) == (None, False)
    if match.evidence is Evidence.VERIFIED_EMAIL:
        assert identity.email_verified
        assert identity.issuer in rules.email_issuers
        assert rules.policy is not LinkPolicy.NEVER
        assert row.invited or rules.policy is LinkPolicy.VERIFIED_EMAIL
        assert not row.privileged
        assert row.sso_user_id is None
        same = [one for one in people if one.email == identity.email]
        assert [one for one in same if one.email_state is not EmailState.ASSERTED] == [row]
    else:
        assert row.home_issuer == identity.issuer
        assert row.sso_user_id in {None, identity.user_id, identity.subject}


@given(IDENTITIES, stored(), RULES, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_decides_nothing(
    identity: Identity, people: list[StoredPerson], rules: LinkRules, random: Random
) -> None:
    shuffled = random.sample(people, len(people))
    assert outcome(identity, people, rules) == outcome(identity, shuffled, rules)


@given(IDENTITIES, stored(), RULES)
def test_sec_53_two_people_never_get_one_row(
    identity: Identity, people: list[StoredPerson], rules: LinkRules
) -> None:
    """Once a row is linked it is bound, and then no other subject gets it, whatever it says."""
    match = outcome(identity, people, rules)
    if not isinstance(match, Match):
        return
    bound = [_bind(row, identity) if row.user_id == match.user_id else row for row in people]
    assert outcome(identity, bound, rules) == Match(match.user_id, Evidence.SUBJECT)
    for other in (replace(identity, subject="c"), replace(identity, issuer="https://c.example")):
        second = outcome(other, bound, rules)
        assert not isinstance(second, Match) or second.user_id != match.user_id


def _bind(row: StoredPerson, identity: Identity) -> StoredPerson:
    return StoredPerson(
        row.user_id,
        row.home_issuer,
        identity.issuer,
        identity.subject,
        row.sso_user_id,
        row.email,
        row.email_state,
        row.invited,
        row.privileged,
        row.unlinked,
    )


@given(IDENTITIES, stored(), RULES)
def test_a_narrower_rule_never_links_more(
    identity: Identity, people: list[StoredPerson], rules: LinkRules
) -> None:
    wide = outcome(identity, people, rules)
    for narrow in (
        LinkRules(LinkPolicy.NEVER, rules.email_issuers, rules.email_domains),
        LinkRules(rules.policy, frozenset(), rules.email_domains),
    ):
        found = outcome(identity, people, narrow)
        assert found == wide or found is AccessFault.IDENTITY_DENIED
