"""The caller's team: only one that the token names, and only the single one may be made."""

import pytest
from msgspec.structs import replace

from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.teams import TeamChoice, choose_team
from support.callers import SOMEBODY


@pytest.mark.parametrize(
    ("team", "teams", "chosen", "choice"),
    [
        (None, (), None, TeamChoice((), required=False, creatable=False)),
        ("t1", (), None, TeamChoice(("t1",), required=True, creatable=True)),
        ("t1", ("t2", "t3"), None, TeamChoice(("t1",), required=True, creatable=True)),
        (None, ("t2", "t3"), None, TeamChoice(("t2", "t3"), required=False, creatable=False)),
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


@pytest.mark.parametrize("chosen", ["t3", "T1", "t1 ", "", "t", "t1,t2", "t2/../t1"])
@pytest.mark.parametrize(("team", "teams"), [("t1", ("t2",)), (None, ()), (None, ("t1", "t2"))])
def test_sec_56_a_team_that_the_token_does_not_name(
    team: str | None, teams: tuple[str, ...], chosen: str
) -> None:
    with pytest.raises(AccessDenied) as denied:
        choose_team(replace(SOMEBODY, team=team, teams=teams), chosen)
    assert denied.value.code == AccessFault.TEAM_NOT_YOURS.value
