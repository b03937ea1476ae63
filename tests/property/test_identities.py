"""Who somebody is and for whom they act: what no token and no order can change."""

from dataclasses import replace as changed

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gatepass.rbac.claims import ClaimNames, compile_claim_path
from gatepass.rbac.errors import AccessDenied
from gatepass.rbac.identity import Identity, identify
from gatepass.rbac.models import ALL_MODELS
from gatepass.rbac.principals import Principals, Team, User
from gatepass.rbac.roles import Precedence, Role, RoleMapping, RoleRules
from gatepass.rbac.standing import effective_role
from gatepass.rbac.teams import Fallback, TeamRules, choose_team
from support.callers import SOMEBODY, verified

ADMINS = {Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER, Role.ORG_ADMIN}
WORDS = ["admin", "proxy_admin", "user", "llm-admin", "org_admin", "team"]
RANKS = list(Role)
words = st.sampled_from(WORDS)
patterns = st.sampled_from([*WORDS, "*min", "llm-*", "proxy*n"])
maybe_roles = st.none() | st.sampled_from(Role)
rules_of_roles = st.builds(
    RoleRules,
    st.none() | words,
    st.lists(st.builds(RoleMapping, patterns, st.sampled_from(Role)), max_size=4).map(tuple),
    st.sampled_from(Precedence),
    st.none() | st.frozensets(words, max_size=2),
    st.booleans(),
)
NAMES = ClaimNames(
    user=(compile_claim_path("user"),),
    team=(compile_claim_path("team"),),
    teams=(compile_claim_path("teams"),),
    roles=(compile_claim_path("roles"),),
    scopes=(compile_claim_path("scope"), compile_claim_path("scp")),
    object_id=(compile_claim_path("oid"),),
)
claims_of_tokens = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("user", "team", "oid"), words),
        **dict.fromkeys(("roles", "teams", "scp"), words | st.lists(words, max_size=3)),
        "scope": st.lists(words, max_size=3).map(" ".join),
    },
)
rows_of_callers = st.builds(
    Principals,
    st.none() | maybe_roles.map(lambda role: User("u", ALL_MODELS, role=role)),
    st.sampled_from([None, Team("t", ALL_MODELS)]),
)


def role_of(rules: RoleRules, identity: Identity, rows: Principals) -> Role | None:
    try:
        return effective_role(rules, identity, rows)
    except AccessDenied:
        return None


@given(claims_of_tokens, rules_of_roles, rows_of_callers)
def test_sec_56_admins_come_from_the_scope_a_mapping_or_the_row_and_from_nothing_else(
    claims: dict[str, object], rules: RoleRules, rows: Principals
) -> None:
    identity = identify(verified(claims), NAMES, rules)
    role = role_of(rules, identity, rows)
    if role in ADMINS:
        by_scope = role is Role.PROXY_ADMIN and rules.admin_scope in identity.scopes
        by_mapping = any(
            mapping.role is role and mapping.matches(identity.roles) for mapping in rules.mappings
        )
        by_row = rows.user is not None and rows.user.role is role
        assert by_scope or by_mapping or by_row
    without = RoleRules(allowed=rules.allowed, required=rules.required)
    plain = identify(verified(claims), NAMES, without)
    nobody = replace(rows, user=None if rows.user is None else User("u", ALL_MODELS))
    assert role_of(without, plain, nobody) in {None, Role.INTERNAL_USER, Role.TEAM}


@given(claims_of_tokens, rules_of_roles, st.data())
def test_the_order_of_roles_in_a_token_changes_nothing(
    claims: dict[str, object], rules: RoleRules, data: st.DataObject
) -> None:
    roles = claims.get("roles")
    listed = roles if isinstance(roles, list) else []
    shuffled = data.draw(st.permutations(listed))
    one = identify(verified(claims | {"roles": listed}), NAMES, rules)
    other = identify(verified(claims | {"roles": shuffled}), NAMES, rules)
    assert (one.role, one.user_id, one.team) == (other.role, other.user_id, other.team)


@given(claims_of_tokens, rules_of_roles, st.data())
def test_sec_56_taking_a_mapping_away_never_asserts_a_higher_role_where_the_highest_counts(
    claims: dict[str, object], rules: RoleRules, data: st.DataObject
) -> None:
    """Where the first counts it may: a mapping can take something away from whoever has it."""
    most = changed(rules, precedence=Precedence.HIGHEST)
    gone = data.draw(st.integers(0, len(most.mappings)))
    less = changed(most, mappings=most.mappings[:gone] + most.mappings[gone + 1 :])
    before, after = (identify(verified(claims), NAMES, each).role for each in (most, less))
    assert after is None or (before is not None and RANKS.index(before) <= RANKS.index(after))


@given(claims_of_tokens, rules_of_roles, rows_of_callers)
def test_sec_39_nobody_is_nobody_whatever_the_rules(
    claims: dict[str, object], rules: RoleRules, rows: Principals
) -> None:
    kept = {"roles", "scope", "scp"}
    unnamed = {name: value for name, value in claims.items() if name in kept}
    identity = identify(verified(unnamed), NAMES, rules)
    role = role_of(rules, identity, replace(rows, user=None))
    assert role in {None, Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER} or (
        role is Role.TEAM and identity.role is Role.TEAM and rows.team is not None
    )


@given(claims_of_tokens, rules_of_roles, rows_of_callers)
def test_sec_39_more_rules_about_roles_let_in_no_more(
    claims: dict[str, object], rules: RoleRules, rows: Principals
) -> None:
    identity = identify(verified(claims), NAMES, rules)
    strict = role_of(rules, identity, rows)
    if strict is not None:
        open_rules = changed(rules, required=False, allowed=None)
        assert role_of(open_rules, identity, rows) is strict


STORED = [Team(name, ALL_MODELS, alias=alias) for name, alias in zip("abcd", "AABC", strict=True)]
ids = st.sampled_from("abcdxy")
aliases = st.sampled_from("ABCX")
rules_of_teams = st.builds(
    TeamRules, st.none() | ids, st.sampled_from(Fallback), st.booleans(), st.booleans()
)


@given(
    st.none() | ids,
    st.none() | aliases,
    st.lists(ids, max_size=4).map(tuple),
    st.none() | ids | aliases,
    rules_of_teams,
    st.frozensets(st.sampled_from("abcd")),
)
def test_sec_56_nobody_acts_for_a_team_that_neither_token_nor_rows_nor_settings_name(  # noqa: PLR0913, PLR0917
    team: str | None,
    alias: str | None,
    teams: tuple[str, ...],
    chosen: str | None,
    rules: TeamRules,
    member_of: frozenset[str],
) -> None:
    identity = replace(SOMEBODY, team=team, team_alias=alias, teams=teams)
    try:
        choice = choose_team(identity, chosen, rules)
        found = choice.among(STORED, member_of if choice.memberships else ())
    except AccessDenied:
        return
    names_any = team is not None or alias is not None or teams
    falls_back = not names_any or rules.unknown_falls_back
    for one in found:
        assert (
            one.team_id in {team, *teams}
            or (alias is not None and one.alias == alias)
            or (falls_back and one.team_id in member_of and rules.fallback is not Fallback.NONE)
            or (falls_back and one.team_id == rules.default)
        )
        assert chosen is None or chosen in {one.team_id, one.alias}
    assert chosen is None or len(found) <= 1
