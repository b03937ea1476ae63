"""Taking anything away that grants something never admits more, wherever it stands.

Not everything that is written grants something: see the end of docs/permissions.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from gatepass.rbac.catalog import ModelCatalog
from gatepass.rbac.checks import Call, check_call, check_models, check_route
from gatepass.rbac.errors import AccessDenied
from gatepass.rbac.identity import Identity
from gatepass.rbac.models import compile_models
from gatepass.rbac.policy import Policy
from gatepass.rbac.principals import EndUser, Member, Organization, Principals, Team, User
from gatepass.rbac.roles import Role, RoleRules
from gatepass.rbac.routes import compile_routes
from gatepass.rbac.rules_read import Asked, Asker, RuleRead, rules_read
from gatepass.rbac.scopes import ScopeGrants, ScopeMapping
from gatepass.rbac.standing import standing_of
from support.callers import SOMEBODY, permission, profile

MODELS = ("gpt-4o", "gpt-5", "acme-1", "openai/gpt-4o", "acme/acme-1", "fast", "ours", "zz/gpt-4o")
ENTRIES = (
    *("gpt-4o", "gpt-*", "*-4o", "*", "openai/*", "acme/*", "acme-1", "fast", "beta", "rest"),
    *("all-proxy-models", "all-team-models"),
)
ROUTES = ("/a", "/b", "/*", "POST /a", "/{x}", "GET /a")
SCOPES = ("s1", "s2", "s3")
ALIASES = {"fast": "gpt-5"}
OWN_ALIASES = {"ours": "gpt-4o"}

Listed = tuple[str, ...]


@dataclass(frozen=True)
class Grants:
    """Everything that grants something to somebody; None is a row that is not there."""

    routes: Listed
    role: Listed
    team: Listed | None
    member: Listed | None
    user: Listed | None
    organization: Listed | None
    end_user: Listed | None
    mappings: tuple[tuple[str, Listed, Listed], ...]
    held: Listed
    beta: Listed
    openai: Listed
    allowed: Listed | None
    domains: Listed | None
    asserted: Listed
    enforced: tuple[bool, bool] = field(default=(False, False))
    aliases: Mapping[str, str] = field(default_factory=lambda: ALIASES)

    def policy_and_rows(self) -> tuple[Policy, Principals]:
        catalog = ModelCatalog(
            {"beta": self.beta, "rest": ("o1*",)},
            self.aliases,
            {"openai": self.openai, "acme": ("acme-*",)},
        )
        rule = permission(models=catalog.bind(compile_models(self.role)))
        rules = profile({Role.INTERNAL_USER: replace(rule, routes=compile_routes(self.routes, {}))})
        scopes = ScopeGrants(
            *self.enforced,
            tuple(
                ScopeMapping(
                    scope, catalog.bind(compile_models(models)), compile_routes(routes, {})
                )
                for scope, models, routes in self.mappings
            ),
        )
        policy = Policy(
            {"default": rules},
            {},
            RoleRules(allowed=None if self.allowed is None else frozenset(self.allowed)),
            catalog=catalog,
            scopes=scopes,
            email_domains=None if self.domains is None else frozenset(self.domains),
        )
        return policy, self._rows()

    def identity(self) -> Identity:
        return changed(
            SOMEBODY,
            scopes=frozenset(self.held),
            roles=self.asserted,
            email="ann@a.example",
        )

    def _rows(self) -> Principals:
        return Principals(
            user=None if self.user is None else User("u", compile_models(self.user)),
            team=None
            if self.team is None
            else Team("t", compile_models(self.team), model_aliases=OWN_ALIASES),
            organization=None
            if self.organization is None
            else Organization("o", compile_models(self.organization)),
            end_user=None if self.end_user is None else EndUser("e", compile_models(self.end_user)),
            member=None
            if self.member is None or self.team is None
            else Member(compile_models(self.member)),
        )

    def allow(self, models: Sequence[str]) -> bool:
        policy, rows = self.policy_and_rows()
        rules = policy.profiles["default"]
        try:
            who = standing_of(policy, self.identity(), rows)
            granted = check_route(rules, who, "POST", "/a")
            meant = tuple(who.aliases.get(model, model) for model in models)
            check_models(granted, who, "POST", "/a", meant)
            check_call(rules, who, Call())
        except AccessDenied:
            return False
        return True

    def explained(self, models: Sequence[str]) -> tuple[RuleRead, ...]:
        policy, rows = self.policy_and_rows()
        identity = self.identity()
        asker = Asker(identity, rows, standing_of(policy, identity, rows))
        asked = Asked(policy.profiles["default"], "POST", "/a", models, Call())
        return rules_read(policy, asker, asked)


entries = st.lists(st.sampled_from(ENTRIES), max_size=4, unique=True).map(tuple)
routes = st.lists(st.sampled_from(ROUTES), max_size=4, unique=True).map(tuple)


def some_of(*texts: str) -> st.SearchStrategy[Listed]:
    return st.lists(st.sampled_from(texts), max_size=2, unique=True).map(tuple)


maybe = st.one_of(st.none(), entries)
mappings = st.lists(st.tuples(st.sampled_from(SCOPES), entries, routes), max_size=3).map(tuple)
plain = st.lists(st.sampled_from(("gpt-*", "gpt-4o", "*-5")), max_size=3, unique=True).map(tuple)
grants = st.builds(
    Grants,
    routes=routes,
    role=entries,
    team=maybe,
    member=maybe,
    user=maybe,
    organization=maybe,
    end_user=maybe,
    mappings=mappings,
    held=st.lists(st.sampled_from(SCOPES), max_size=3, unique=True).map(tuple),
    beta=plain,
    openai=plain,
    allowed=st.one_of(st.none(), some_of("r", "s")),
    domains=st.one_of(st.none(), some_of("a.example", "b.example")),
    asserted=some_of("r", "s"),
    enforced=st.tuples(st.booleans(), st.booleans()),
)
asked = st.lists(st.sampled_from(MODELS), max_size=2)
REMOVABLE = tuple(
    name for name in Grants.__dataclass_fields__ if name not in {"enforced", "aliases"}
)


def without(items: tuple[object, ...], index: int) -> tuple[object, ...]:
    return items[:index] + items[index + 1 :]


@settings(max_examples=300)
@given(grants, asked, st.data())
def test_sec_39_taking_one_entry_mapping_or_grant_away_never_admits_more(
    before: Grants, models: list[str], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from([n for n in REMOVABLE if getattr(before, n)] or ["routes"]))
    held = getattr(before, name)
    if not held:
        return
    index = data.draw(st.integers(0, len(held) - 1))
    less: dict[str, Any] = {name: without(held, index)}
    after = replace(before, **less)
    assert before.allow(models) or not after.allow(models)


@settings(max_examples=200)
@given(grants, asked, st.data())
def test_sec_39_emptying_a_list_of_a_mapping_never_admits_more(
    before: Grants, models: list[str], data: st.DataObject
) -> None:
    emptied = tuple(
        (scope, () if data.draw(st.booleans()) else listed, () if data.draw(st.booleans()) else to)
        for scope, listed, to in before.mappings
    )
    assert before.allow(models) or not replace(before, mappings=emptied).allow(models)


@settings(max_examples=200)
@given(grants, asked)
def test_sec_39_taking_an_alias_away_never_admits_more_of_other_names(
    before: Grants, models: list[str]
) -> None:
    """It is a redirection: of its own name nothing can be said."""
    others = [model for model in models if model not in ALIASES]
    assert before.allow(others) or not replace(before, aliases={}).allow(others)


@settings(max_examples=200)
@given(grants, asked, st.sampled_from(MODELS))
def test_sec_58_naming_one_more_model_never_admits_more(
    found: Grants, models: list[str], further: str
) -> None:
    assert found.allow(models) or not found.allow([*models, further])


@settings(max_examples=200)
@given(grants, asked, st.data())
def test_the_order_of_lists_mappings_and_models_changes_nothing(
    found: Grants, models: list[str], data: st.DataObject
) -> None:
    turned: dict[str, Any] = {
        name: tuple(data.draw(st.permutations(getattr(found, name))))
        for name in REMOVABLE
        if getattr(found, name)
    }
    other = replace(found, **turned)
    assert other.allow(data.draw(st.permutations(models))) == found.allow(models)


@settings(max_examples=200)
@given(grants, asked)
def test_sec_39_enforcing_scopes_never_admits_more(found: Grants, models: list[str]) -> None:
    loose = replace(found, enforced=(False, False))
    assert loose.allow(models) or not found.allow(models)


@settings(max_examples=300)
@given(grants, asked)
def test_the_explanation_always_says_what_was_decided(found: Grants, models: list[str]) -> None:
    if found.allowed is not None and set(found.allowed).isdisjoint(found.asserted):
        assert not found.allow(models)  # nobody: there is no standing to explain
        return
    rules = found.explained(models)
    assert found.allow(models) is all(rule.admits for rule in rules)
    assert all(rule.admits for rule in rules[:-1])


def test_the_examples_are_not_all_refused() -> None:
    every = Grants(
        routes=("/a",),
        role=("openai/*", "fast"),
        team=(),
        member=("all-team-models",),
        user=None,
        organization=("beta",),
        end_user=("*",),
        mappings=(("s1", ("gpt-*",), ("/*",)),),
        held=("s1",),
        beta=("gpt-*",),
        openai=("gpt-*",),
        allowed=("r",),
        domains=("a.example",),
        asserted=("r", "s"),
        enforced=(True, True),
    )
    assert every.allow(["ours", "gpt-4o"])
    assert not every.allow(["fast"])
    assert replace(every, team=("fast",)).allow(["fast", "ours"])
    for name in ("allowed", "domains", "asserted"):
        less: dict[str, Any] = {name: ()}
        assert not replace(every, **less).allow(["ours"])
