"""A database with as many people as are wanted, made by the database itself.

Everybody is `p<number>` with the subject `s<number>` of `ISSUER` and has a budget; team `t<number>`
has the name `T<number>`, an organization and its budget. Each person is in two teams, and
everybody is in `everybody`.
"""

from support.callers import SOMEBODY
from support.directories import Where, query

ISSUER = SOMEBODY.issuer

_STATEMENTS = """
INSERT INTO organizations (organization_id, alias, models)
    SELECT 'o' || n, 'O' || n, '"all"' FROM {of_100};
INSERT INTO budgets (budget_id, limit_nano_usd, window_seconds, anchor)
    SELECT 'bt' || n, 5000000000, 86400, 0 FROM {of_teams};
INSERT INTO budgets (budget_id, limit_nano_usd, window_seconds, anchor)
    SELECT 'bp' || n, 5000000000, 86400, 0 FROM {of_people};
INSERT INTO teams (team_id, alias, organization_id, models, budget_id, created_at)
    SELECT 't' || n, 'T' || n, 'o' || (n % 100 + 1), '"all"', 'bt' || n, 0
    FROM {of_teams};
INSERT INTO teams (team_id, models, created_at) VALUES ('everybody', '"all"', 0);
INSERT INTO users (user_id, home_issuer, issuer, subject, email, email_state, models, budget_id,
        created_at)
    SELECT 'p' || n, '{issuer}', '{issuer}', 's' || n, 'p' || n || '@example.com', 'verified',
        '"all"', 'bp' || n, 0
    FROM {of_people};
INSERT INTO memberships (user_id, team_id, role)
    SELECT 'p' || n, 't' || (n * 7 % {teams} + 1), 'user' FROM {of_people};
INSERT INTO memberships (user_id, team_id, role)
    SELECT 'p' || n, 'everybody', 'user' FROM {of_people};
INSERT INTO end_users (end_user_id, models)
    SELECT 'e' || n, '"all"' FROM {of_people}
"""


def fill(where: Where, *, people: int, teams: int) -> None:
    """Fill a database whose tables are empty."""
    text = _STATEMENTS.format(
        people=people,
        teams=teams,
        issuer=ISSUER,
        of_100=numbers(100),
        of_teams=numbers(teams),
        of_people=numbers(people),
    )
    for statement in text.split(";"):
        query(where, statement)


def numbers(last: int) -> str:
    """Return a table of the numbers from 1, in a column `n`."""
    counted = f"VALUES (1) UNION ALL SELECT n + 1 FROM c WHERE n < {last}"  # noqa: S608 - a number
    return f"(WITH RECURSIVE c (n) AS ({counted}) SELECT n FROM c) AS numbers"  # noqa: S608


def team_of(person: int, teams: int) -> str:
    """Return the id of the one team that a person does not share with everybody."""
    return f"t{person * 7 % teams + 1}"
