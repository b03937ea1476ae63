"""Model patterns against a slow reference; who may use what never depends on an order."""

from functools import cache
from random import Random

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from gatepass.rbac.claims import compile_claim_path, read_scopes, read_texts
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.models import ModelRule, compile_models
from gatepass.rbac.principals import EndUser, Organization, Principals, Team, User
from gatepass.rbac.roles import Role, RoleMapping, RoleRules
from support.callers import SOMEBODY, authorize, permission, profile

ALPHABET = "ab*.+?^$[]()|\\{}\n /-"
patterns = st.text(ALPHABET, min_size=1, max_size=8)
names = st.text(ALPHABET, max_size=10)
few_patterns = st.lists(patterns, max_size=5)


@cache
def reference(pattern: str, name: str) -> bool:
    """Say what a pattern admits, one character at a time."""
    if not pattern:
        return not name
    if pattern[0] == "*":
        return reference(pattern[1:], name) or (bool(name) and reference(pattern, name[1:]))
    return bool(name) and name[0] == pattern[0] and reference(pattern[1:], name[1:])


@given(few_patterns, names)
@example(["openai/*t"], "openai/gpt\n")
@example(["a*a"], "a")
@example(["*"], "")
def test_sec_57_compiled_patterns_agree_with_the_slow_reference(
    listed: list[str], name: str
) -> None:
    assert compile_models(listed).allows(name) is any(
        reference(pattern, name) for pattern in listed
    )


@given(st.text("ab*", min_size=1, max_size=8), st.text("ab", max_size=10))
def test_sec_57_the_reference_is_met_where_matches_are_likely(pattern: str, name: str) -> None:
    assert compile_models([pattern]).allows(name) is reference(pattern, name)


@given(st.lists(st.sampled_from(["a", "aa", "ab", "*"]), min_size=150, max_size=200))
def test_sec_57_pathological_patterns_are_decided(pieces: list[str]) -> None:
    pattern = "".join(pieces)[:200]
    rule = compile_models([pattern])
    assert rule.allows(pattern.replace("*", ""))
    assert rule.allows(pattern.replace("*", "a")[:256])
    assert not rule.allows(pattern.replace("*", "") + "c") or pattern.endswith("*")
    assert not rule.allows("c" + pattern.replace("*", "")) or pattern.startswith("*")


@given(st.lists(patterns, min_size=1, max_size=5), st.data(), names)
def test_sec_57_taking_a_pattern_away_never_admits_more(
    listed: list[str], data: st.DataObject, name: str
) -> None:
    fewer = data.draw(st.lists(st.sampled_from(listed), max_size=5))
    if compile_models(fewer).allows(name):
        assert compile_models(listed).allows(name)


@given(few_patterns, names, st.randoms(use_true_random=False))
def test_the_order_of_patterns_changes_nothing(
    listed: list[str], name: str, random: Random
) -> None:
    shuffled = [*listed, *listed]
    random.shuffle(shuffled)
    assert compile_models(shuffled).allows(name) == compile_models(listed).allows(name)


WORDS = ("admin", "viewer", "x", "y")
RULES = RoleRules(
    "admin",
    (RoleMapping("viewer", Role.INTERNAL_USER_VIEWER), RoleMapping("x", Role.ORG_ADMIN)),
)


@given(st.lists(st.sampled_from(WORDS)), st.lists(st.sampled_from(WORDS)), st.data())
def test_sec_56_the_order_of_a_claim_never_changes_the_role(
    roles: list[str], scopes: list[str], data: st.DataObject
) -> None:
    path = (compile_claim_path("c"),)

    def role(role_list: list[str], scope_list: list[str]) -> Role | None:
        return RULES.asserted_role(
            read_texts({"c": role_list}, path), read_scopes({"c": scope_list}, path)
        )

    expected = role(roles, scopes)
    assert role(data.draw(st.permutations(roles)), data.draw(st.permutations(scopes))) is expected
    assert read_scopes({"c": " ".join(scopes)}, path) == read_scopes({"c": scopes}, path)


small = st.builds(compile_models, st.lists(st.sampled_from(["a", "b", "a*", "*"]), max_size=2))


@st.composite
def principals(draw: st.DrawFn) -> Principals:
    def maybe(row: st.SearchStrategy[object]) -> object:
        return draw(st.one_of(st.none(), row))

    user = maybe(st.builds(User, st.just("u"), small, blocked=st.booleans()))
    team = maybe(st.builds(Team, st.just("t"), small, blocked=st.booleans()))
    organization = maybe(st.builds(Organization, st.just("o"), small))
    end_user = maybe(st.builds(EndUser, st.just("e"), small))
    assert user is None or isinstance(user, User)
    assert team is None or isinstance(team, Team)
    assert organization is None or isinstance(organization, Organization)
    assert end_user is None or isinstance(end_user, EndUser)
    return Principals(user, team, organization, end_user)


def fault(
    rows: Principals, routes: list[str], models: list[str], rule: ModelRule
) -> AccessFault | None:
    rules = profile({Role.INTERNAL_USER: permission(*routes, models=rule)})
    try:
        authorize(rules, SOMEBODY, rows, "POST", "/a", models)
    except AccessDenied as denied:
        return denied.fault
    return None


some_routes = st.lists(st.sampled_from(["/a", "/b", "/*", "GET /a", "/{x}"]), max_size=4)
some_models = st.lists(st.sampled_from(["a", "ab", "b", "c"]), max_size=3)


@given(principals(), some_routes, some_models, small, st.data())
def test_sec_39_less_permission_never_turns_a_no_into_a_yes(
    rows: Principals, routes: list[str], models: list[str], rule: ModelRule, data: st.DataObject
) -> None:
    if fault(rows, routes, models, rule) is None:
        return
    fewer = data.draw(st.lists(st.sampled_from(routes), max_size=4)) if routes else []
    assert fault(rows, fewer, models, rule) is not None
    assert fault(rows, routes, models, compile_models([])) is not None
    assert fault(rows, routes, [*models, "z"], rule) is not None


@given(principals(), some_routes, some_models, small, st.data())
def test_the_order_of_routes_and_models_never_changes_the_answer(
    rows: Principals, routes: list[str], models: list[str], rule: ModelRule, data: st.DataObject
) -> None:
    assert fault(rows, routes, models, rule) is fault(
        rows, data.draw(st.permutations(routes)), data.draw(st.permutations(models)), rule
    )


@given(principals(), some_models, small)
def test_a_blocked_row_always_refuses(rows: Principals, models: list[str], rule: ModelRule) -> None:
    blocked = replace(rows, user=User("u", compile_models(["*"]), blocked=True))
    assert fault(blocked, ["*"], models, rule) in {
        AccessFault.TEAM_BLOCKED,
        AccessFault.USER_BLOCKED,
    }
