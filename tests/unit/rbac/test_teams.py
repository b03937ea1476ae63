"""The caller's team: one that the token names, or what the settings fall back to."""

import pytest
from msgspec.structs import replace

from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.models import ALL_MODELS
from gatepass.rbac.principals import Team
from gatepass.rbac.teams import Fallback, TeamChoice, TeamRules, choose_team
from support.callers import NOBODY, SOMEBODY

STORED = tuple(
    Team(team_id, ALL_MODELS, alias=alias)
    for team_id, alias in (("t1", "One"), ("t2", "Two"), ("t3", "Same"), ("t4", "Same"))
)
MEMBERSHIPS = TeamRules(fallback=Fallback.MEMBERSHIPS)
ONLY_ONE = TeamRules(fallback=Fallback.SINGLE_MEMBERSHIP)
DEFAULT = TeamRules(default="t2")
LENIENT = TeamRules(unknown_falls_back=True)


@pytest.mark.parametrize(
    ("team", "teams", "chosen", "choice"),
    [
        (None, (), None, TeamChoice((), required=False, creatable=False)),
        ("t1", (), None, TeamChoice(("t1",), required=True, creatable=True)),
        ("t1", ("t2", "t3"), None, TeamChoice(("t1",), required=True, creatable=True)),
        (None, ("t2", "t3"), None, TeamChoice(("t2", "t3"), required=True, creatable=False)),
        ("t1", ("t2",), "t1", TeamChoice(("t1",), required=True, creatable=True)),
        ("t1", ("t2",), "t2", TeamChoice(("t2",), required=True, creatable=False)),
        (None, ("t2", "t3"), "t3", TeamChoice(("t3",), required=True, creatable=False)),
        ("t1", ("t1",), "t1", TeamChoice(("t1",), required=True, creatable=True)),
    ],
)
def test_the_choice(
    team: str | None, teams: tuple[str, ...], chosen: str | None, choice: TeamChoice
) -> None:
    assert choose_team(replace(SOMEBODY, team=team, teams=teams), chosen) == choice


def picked(  # noqa: PLR0913 - everything that a choice depends on
    rules: TeamRules = TeamRules(),  # noqa: B008 - it cannot be changed
    *,
    team: str | None = None,
    alias: str | None = None,
    teams: tuple[str, ...] = (),
    chosen: str | None = None,
    member_of: tuple[str, ...] = (),
) -> list[str] | str:
    """Return the ids of the candidates among what is stored, "missing", or the fault."""
    identity = replace(SOMEBODY, team=team, team_alias=alias, teams=teams)
    try:
        choice = choose_team(identity, chosen, rules)
        loaded = [
            stored
            for stored in STORED
            if stored.team_id in choice.ids_to_load
            or stored.alias in choice.aliases
            or (choice.memberships and stored.team_id in member_of)
        ]
        loaded_ids = {stored.team_id for stored in loaded}
        found = choice.among(loaded, [one for one in member_of if one in loaded_ids])
    except AccessDenied as denied:
        return denied.code
    if choice.required and not found:
        return "missing"
    return [one.team_id for one in found]


def test_the_sources_come_one_after_the_other_and_the_first_that_speaks_counts() -> None:
    everything = TeamRules(default="t4", fallback=Fallback.MEMBERSHIPS)
    assert picked(everything, team="t1", alias="Two", teams=("t3",), member_of=("t4",)) == ["t1"]
    assert picked(everything, alias="Two", teams=("t3",), member_of=("t4",)) == ["t2"]
    assert picked(everything, teams=("t3",), member_of=("t4",)) == ["t3"]
    assert picked(everything, member_of=("t3", "t2")) == ["t2", "t3"]
    assert picked(everything) == ["t4"]
    assert picked() == []


def test_the_order_of_a_list_is_the_tokens_and_that_of_memberships_is_by_id() -> None:
    assert picked(teams=("t3", "t1", "gone", "t2")) == ["t3", "t1", "t2"]
    for member_of in (("t3", "t1", "t2"), ("t2", "t3", "t1")):
        assert picked(MEMBERSHIPS, member_of=member_of) == ["t1", "t2", "t3"]


@pytest.mark.parametrize(
    "named", [{"team": "gone"}, {"alias": "Gone"}, {"alias": "t1"}, {"teams": ("gone", "One")}]
)
@pytest.mark.parametrize("rules", [TeamRules(), MEMBERSHIPS, ONLY_ONE, DEFAULT])
def test_sec_39_a_name_that_is_not_stored_leads_to_no_other_team(
    rules: TeamRules, named: dict[str, str]
) -> None:
    assert picked(rules, member_of=("t3",), **named) == "missing"  # type: ignore[arg-type]


@pytest.mark.parametrize("named", [{"team": "gone"}, {"alias": "Gone"}, {"teams": ("gone", "too")}])
def test_a_name_that_is_not_stored_counts_as_none_where_the_settings_say_so(
    named: dict[str, str],
) -> None:
    def falls(fallback: Fallback, default: str | None, *member_of: str) -> list[str] | str:
        rules = TeamRules(default=default, fallback=fallback, unknown_falls_back=True)
        return picked(rules, member_of=member_of, **named)  # type: ignore[arg-type]

    assert falls(Fallback.NONE, None, "t1") == []
    assert falls(Fallback.MEMBERSHIPS, None, "t3", "t1") == ["t1", "t3"]
    assert falls(Fallback.SINGLE_MEMBERSHIP, None, "t3") == ["t3"]
    assert falls(Fallback.NONE, "t2", "t1") == ["t2"]
    assert falls(Fallback.NONE, "gone", "t1") == "missing"


def test_falling_back_does_not_lead_away_from_a_team_that_is_stored() -> None:
    rules = TeamRules("t2", Fallback.MEMBERSHIPS, unknown_falls_back=True)
    assert picked(rules, team="t1", member_of=("t3",)) == ["t1"]
    assert picked(rules, teams=("gone", "t1"), member_of=("t3",)) == ["t1"]


def test_a_single_membership_is_one_and_not_the_first_of_two() -> None:
    assert picked(ONLY_ONE, member_of=("t1",)) == ["t1"]
    assert picked(ONLY_ONE, member_of=("t1", "t2")) == []
    assert picked(ONLY_ONE) == []
    both = TeamRules(default="t3", fallback=Fallback.SINGLE_MEMBERSHIP)
    assert picked(both, member_of=("t1", "t2")) == ["t3"]


def test_a_default_must_be_stored() -> None:
    assert picked(TeamRules(default="gone")) == "missing"
    assert picked(TeamRules(default="gone", fallback=Fallback.MEMBERSHIPS), member_of=("t1",)) == [
        "t1"
    ]


def test_memberships_are_asked_for_only_where_they_can_count() -> None:
    for rules, identity, wanted in (
        (MEMBERSHIPS, SOMEBODY, True),
        (ONLY_ONE, SOMEBODY, True),
        (TeamRules(), SOMEBODY, False),
        (MEMBERSHIPS, replace(SOMEBODY, team="t1"), False),
        (MEMBERSHIPS, replace(SOMEBODY, teams=("t1",)), False),
        (MEMBERSHIPS, replace(SOMEBODY, team_alias="One"), False),
        (LENIENT, replace(SOMEBODY, team="t1"), False),
    ):
        assert choose_team(identity, None, rules).memberships is wanted


@pytest.mark.parametrize("chosen", ["t3", "T1", "t1 ", "", "t", "t1,t2", "t2/../t1", "one", "Same"])
@pytest.mark.parametrize(("team", "teams"), [("t1", ("t2",)), (None, ()), (None, ("t1", "t2"))])
def test_sec_56_a_team_that_the_token_does_not_name(
    team: str | None, teams: tuple[str, ...], chosen: str
) -> None:
    assert picked(team=team, teams=teams, chosen=chosen) == AccessFault.TEAM_NOT_YOURS


@pytest.mark.parametrize("chosen", ["t1", "One", ""])
def test_a_header_is_refused_without_a_look_into_the_store_where_there_is_no_team(
    chosen: str,
) -> None:
    for identity in (SOMEBODY, NOBODY):
        with pytest.raises(AccessDenied) as denied:
            choose_team(identity, chosen)
        assert denied.value.fault is AccessFault.TEAM_NOT_YOURS


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ("t1", ["t1"]),
        ("t2", ["t2"]),
        ("One", ["t1"]),
        ("Two", ["t2"]),
        ("gone", "missing"),
        ("Same", "team_not_yours"),
        ("t4", "team_not_yours"),
        ("t9", "team_not_yours"),
    ],
)
def test_sec_56_the_header_chooses_among_the_tokens_teams_and_gives_nothing_away(
    chosen: str, found: object
) -> None:
    assert picked(team="t1", teams=("t2", "gone"), chosen=chosen) == found
    assert picked(MEMBERSHIPS, teams=("t1", "t2", "gone"), chosen=chosen, member_of=("t4",)) == (
        found
    )


def test_the_header_may_choose_the_team_that_the_token_names_by_alias() -> None:
    for chosen in ("t2", "Two"):
        assert picked(alias="Two", chosen=chosen) == ["t2"]
    assert picked(alias="Two", teams=("t1",), chosen="t1") == ["t1"]
    assert picked(alias="Two", chosen="t1") == "team_not_yours"
    assert picked(alias="Same", chosen="t3") == "team_ambiguous"


def test_the_header_chooses_among_the_memberships_where_they_are_the_source() -> None:
    assert picked(MEMBERSHIPS, chosen="t2", member_of=("t1", "t2")) == ["t2"]
    assert picked(MEMBERSHIPS, chosen="Two", member_of=("t1", "t2")) == ["t2"]
    for foreign in ("t3", "Same", "gone"):
        assert picked(MEMBERSHIPS, chosen=foreign, member_of=("t1", "t2")) == "team_not_yours"
    assert picked(ONLY_ONE, chosen="t1", member_of=("t1", "t2")) == "team_not_yours"
    assert picked(ONLY_ONE, chosen="t1", member_of=("t1",)) == ["t1"]
    assert picked(DEFAULT, chosen="t2") == ["t2"]
    assert picked(DEFAULT, chosen="t1", member_of=("t1",)) == "team_not_yours"


def test_sec_56_a_name_that_two_teams_have_is_no_name() -> None:
    assert picked(alias="Same") == "team_ambiguous"
    assert picked(LENIENT, alias="Same") == "team_ambiguous"
    assert picked(teams=("t3", "t4"), chosen="Same") == "team_ambiguous"
    assert picked(teams=("t3", "t1"), chosen="Same") == ["t3"]


def test_an_id_goes_before_a_name() -> None:
    confusing = [Team("a", ALL_MODELS, alias="b"), Team("b", ALL_MODELS, alias="a")]
    identity = replace(SOMEBODY, team_alias="a", teams=("x",))
    choice = choose_team(identity, "b", TeamRules())
    assert [one.team_id for one in choice.among(confusing[1:], ())] == ["b"]
    choice = TeamChoice(("a", "b"), required=True, creatable=False, chosen="a")
    assert [one.team_id for one in choice.among(confusing, ())] == ["a"]


@pytest.mark.parametrize(
    ("identity", "chosen", "rules", "made"),
    [
        (replace(NOBODY, team="new"), None, TeamRules(), "new"),
        (replace(NOBODY, team="new"), "new", TeamRules(), "new"),
        (replace(NOBODY, team="new"), None, TeamRules(default="d"), "new"),
        (SOMEBODY, None, TeamRules(default="d"), "d"),
        (SOMEBODY, None, TeamRules(), None),
        (SOMEBODY, "d", TeamRules(default="d"), None),
        (replace(NOBODY, teams=("new",)), None, TeamRules(), None),
        (replace(NOBODY, teams=("new",)), "new", TeamRules(), None),
        (replace(NOBODY, team_alias="New"), None, TeamRules(), None),
        (replace(NOBODY, team_alias="New"), None, TeamRules(default="d"), None),
        (replace(NOBODY, team="new"), None, LENIENT, None),
    ],
)
def test_only_a_single_team_may_be_made(
    identity: object, chosen: str | None, rules: TeamRules, made: str | None
) -> None:
    choice = choose_team(identity, chosen, rules)  # type: ignore[arg-type]
    assert choice.id_to_make == made
