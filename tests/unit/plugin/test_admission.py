"""One reservation on every limit or on none, and no way around it."""

import pytest
from msgspec.structs import replace

from gatepass.jwks.errors import TokenFault, TokenRefused
from gatepass.plugin.admission import Admissible, admit, admit_now, call_to_admit
from gatepass.plugin.body import BodyFacts
from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.applicable import NO_LIMITS, Applicable
from gatepass.plugin.budgets.engine import Admitted, Call, EngineRules, Payer
from gatepass.plugin.budgets.engines import UncountedBudgets
from gatepass.plugin.budgets.estimates import PriceRules
from gatepass.plugin.budgets.memory import MemoryBudgets
from gatepass.plugin.decision import Allow, BodyWanted, Caller
from gatepass.plugin.errors import BudgetExceeded, RequestRefused
from gatepass.plugin.known_caller import KnownCaller, Life
from gatepass.plugin.metering.price_table import PriceEntry, PriceTable
from gatepass.plugin.naming import NAMES_NOTHING, Naming
from gatepass.plugin.reasons import Reason
from gatepass.rbac.policy import Policy
from gatepass.rbac.principals import Principals
from gatepass.rbac.roles import RoleRules
from gatepass.rbac.standing import standing_of
from support.callers import SOMEBODY
from support.clock import ManualClock
from support.limits import RULES, room, team, user

PRICES = PriceRules(PriceTable([PriceEntry("cheap", 1_000_000, 1_000_000, 100)]))
LIMITS = Applicable((team(1_000), user(600)))
CHEAP = Naming(("cheap",), BodyFacts(("cheap",), 10, 1), 50)
UNKNOWN = Naming(("unknown",), BodyFacts(("unknown",), 1, 1), 5)
ALLOW = Allow("r-1", None, (), frozenset())
PAYER = Payer("https://idp.example", "ann")


def known_caller() -> KnownCaller:
    standing = standing_of(Policy({}, {}, RoleRules()), SOMEBODY, Principals())
    return KnownCaller(
        caller=Caller(SOMEBODY, Principals(), standing.role),
        set_headers=(),
        limits=NO_LIMITS,
        standing=standing,
        model_decides=False,
        life=Life(0.0),
    )


def limited() -> KnownCaller:
    return replace(known_caller(), limits=LIMITS, payer=PAYER)


@pytest.fixture
def budgets() -> MemoryBudgets:
    return MemoryBudgets(ManualClock(), RULES)


def call(budgets: MemoryBudgets, known: KnownCaller, naming: Naming) -> Call | None:
    return call_to_admit(budgets, PRICES, "r-1", known, naming, 0.0)


def test_what_is_reserved_is_written_down_for_the_caller(budgets: MemoryBudgets) -> None:
    found = call(budgets, limited(), CHEAP)
    assert found is not None
    assert (found.request_id, found.who, found.model) == ("r-1", PAYER, "cheap")
    assert (found.limits, found.estimate) == (LIMITS.limits, Amounts(60, 60, 1))
    assert found.price is PRICES.table.price_of("cheap", 0.0)


def test_what_spends_nothing_is_not_counted(budgets: MemoryBudgets) -> None:
    budgets.rules = EngineRules(records_all=True)
    assert call(budgets, limited(), NAMES_NOTHING) is None


def test_callers_without_limits_are_counted_only_where_every_call_is_written_down(
    budgets: MemoryBudgets,
) -> None:
    assert call(budgets, known_caller(), CHEAP) is None
    assert call(budgets, known_caller(), UNKNOWN) is None
    budgets.rules = EngineRules(records_all=True)
    for naming in (CHEAP, UNKNOWN):
        found = call(budgets, known_caller(), naming)
        assert found is not None
        assert (found.limits, found.model) == ((), naming.models[0])
    assert call(budgets, known_caller(), Naming((), None, 50)) is None


@pytest.mark.parametrize("naming", [CHEAP, UNKNOWN, Naming((), None, 50)])
def test_sec_59_where_nothing_is_counted_every_limit_refuses(naming: Naming) -> None:
    budgets = UncountedBudgets(ManualClock(), RULES)
    with pytest.raises(RequestRefused) as refused:
        call(budgets, limited(), naming)
    assert refused.value.code == "budget_not_counted"
    assert call(budgets, known_caller(), naming) is None
    assert call(budgets, limited(), NAMES_NOTHING) is None


async def test_one_limit_that_does_not_suffice_leaves_the_other_alone(
    budgets: MemoryBudgets,
) -> None:
    found = Admissible(ALLOW, Call("r-1", LIMITS.limits, Amounts(700)), None)
    with pytest.raises(BudgetExceeded) as exceeded:
        admit_now(budgets, found)
    assert exceeded.value.standing.limit.scope == "user"
    with pytest.raises(BudgetExceeded):
        await admit(budgets, found)
    assert room(budgets, LIMITS.limits[0]) == 1_000


async def test_what_needs_no_reservation_passes(budgets: MemoryBudgets) -> None:
    found = Admissible(ALLOW, None, None)
    assert admit_now(budgets, found) is ALLOW
    assert await admit(budgets, found) is ALLOW
    wanted = BodyWanted(Reason.BODY_NOT_SHOWN, who=("", ""), conclude=lambda _: None)
    assert admit_now(budgets, wanted) is wanted
    assert await admit(budgets, wanted) is wanted


class Elsewhere(MemoryBudgets):
    """An engine that has to wait for somebody else."""

    waits = True

    def reserve_now(self, call: Call) -> Admitted:
        raise AssertionError(call)

    async def reserve(self, call: Call) -> Admitted:
        return super().reserve_now(call)


async def test_an_engine_that_waits_is_never_asked_at_once() -> None:
    budgets, used = Elsewhere(ManualClock(), RULES), []
    found = Admissible(ALLOW, Call("r-1", LIMITS.limits, Amounts(10)), lambda: used.append(1))
    assert admit_now(budgets, found) is None
    assert not used, "nor is the proof used up by asking"
    assert await admit(budgets, found) is ALLOW
    assert used
    assert budgets.may_remember("r-1")


def _was_used_before() -> None:
    raise TokenRefused(TokenFault.PROOF_MISSING)


@pytest.mark.parametrize("call", [None, Call("r-1", LIMITS.limits, Amounts(10))])
async def test_a_proof_that_does_not_count_leaves_no_reservation(
    budgets: MemoryBudgets, call: Call | None
) -> None:
    found = Admissible(ALLOW, call, _was_used_before)
    with pytest.raises(TokenRefused):
        admit_now(budgets, found)
    with pytest.raises(TokenRefused):
        await admit(budgets, found)
    assert not budgets.may_remember("r-1")
    assert room(budgets, LIMITS.limits[1]) == 600


async def test_a_refusal_uses_up_no_proof(budgets: MemoryBudgets) -> None:
    used: list[int] = []
    call = Call("r-1", LIMITS.limits, Amounts(700))
    found = Admissible(ALLOW, call, lambda: used.append(1))
    with pytest.raises(BudgetExceeded):
        admit_now(budgets, found)
    with pytest.raises(BudgetExceeded):
        await admit(budgets, found)
    assert not used
