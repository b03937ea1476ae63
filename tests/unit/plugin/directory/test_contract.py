"""What every directory keeps to, the scripted one of the tests as well as the one in SQL."""

from collections.abc import AsyncIterator, Callable

import pytest
from msgspec.structs import replace

from gatepass.jwks.errors import GatepassError
from gatepass.plugin.directory.resolved import Directory
from gatepass.plugin.directory.rules import DirectoryRules, RowDefaults
from gatepass.plugin.errors import StoreUnavailable
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.models import ALL_MODELS
from gatepass.rbac.principals import Principals, Team, User
from support.callers import NOBODY, SOMEBODY
from support.directories import CLOSED, NO_TEAM, Where, denied, one, open_directory, query
from support.fake_directory import FakeDirectory

ALL = RowDefaults(models=None)
OPEN = DirectoryRules(user_upsert=True, team_upsert=True, user_defaults=ALL, team_defaults=ALL)
Situated = Callable[[GatepassError | None], Directory]
"""Returns a directory in which callers who are not stored meet with this."""


@pytest.fixture(params=["fake", "sql"])
async def situated(request: pytest.FixtureRequest, where: Where) -> AsyncIterator[Situated]:
    async with open_directory(where, OPEN) as stored:

        def real(failure: GatepassError | None) -> Directory:
            if isinstance(failure, StoreUnavailable):
                query(where, "ALTER TABLE budgets RENAME TO elsewhere")
            return stored.with_rules(CLOSED) if isinstance(failure, AccessDenied) else stored

        yield FakeDirectory if request.param == "fake" else real


async def test_who_is_known_or_may_be_made_has_rows(situated: Situated) -> None:
    directory = situated(None)
    await directory.ping()
    (first,), effects = await directory.resolve(SOMEBODY, one("red"))
    assert first == Principals(user=User("user-1", ALL_MODELS), team=Team("red", ALL_MODELS))
    assert {effect.subject_id for effect in effects} <= {"user-1", "red"}
    assert await directory.with_rules(CLOSED).resolve(SOMEBODY, one("red")) == ((first,), ())
    stranger = replace(NOBODY, subject="stranger")
    assert await directory.resolve(stranger, NO_TEAM) == ((Principals(),), ())


async def test_who_is_unknown_is_refused(situated: Situated) -> None:
    nobody_knows = situated(AccessDenied(AccessFault.USER_UNKNOWN))
    assert await denied(nobody_knows, SOMEBODY, NO_TEAM) is AccessFault.USER_UNKNOWN
    no_such_team = situated(AccessDenied(AccessFault.TEAM_UNKNOWN))
    assert await denied(no_such_team, NOBODY, one("red")) is AccessFault.TEAM_UNKNOWN


async def test_a_store_that_is_away_never_says_unknown(situated: Situated) -> None:
    directory = situated(StoreUnavailable())
    for asking in (directory.resolve(SOMEBODY, one("red")), directory.ping()):
        with pytest.raises(StoreUnavailable):
            await asking
