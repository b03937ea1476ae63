"""The budget engine in process: reserve and settle one call on six limits, and on none.

Counted is processor time: nothing here waits. The ledger is timed by itself (bench/ledger.py).
"""

import statistics
import time
from collections.abc import Sequence
from itertools import count

from bench.figures import BATCH, Figure, bare_verification

from gatepass.jwks.clock import SYSTEM_CLOCK
from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.arithmetic import Admission
from gatepass.plugin.budgets.engine import Call, Cost, EngineRules
from gatepass.plugin.budgets.limits import AppliedLimit, Scope
from gatepass.plugin.budgets.memory import MemoryBudgets
from gatepass.rbac.budgets import Unit
from gatepass.rbac.windows import Calendar, Period

BOUND = 0.5
PEOPLE = 500


def budgets(rounds: int) -> list[Figure]:
    """Time every mode of admission."""
    return [
        _figure(f"reserve + settle, six limits, {admission}", admission, rounds)
        for admission in Admission
    ]


def _figure(name: str, admission: Admission, rounds: int) -> Figure:
    engine = MemoryBudgets(SYSTEM_CLOCK, EngineRules(admission))
    everybody = [_limits(f"person-{number}") for number in range(PEOPLE)]
    estimate, cost = Amounts(2_000_000, 900, 1), Cost(Amounts(300_000, 200, 1))
    reference, numbers = bare_verification(), count()
    bare, ours = [], []
    for _ in range(rounds):
        bare.append(reference())
        names = [f"request-{next(numbers)}" for _ in range(BATCH)]
        start = time.process_time()
        for at, request_id in enumerate(names):
            engine.reserve_now(Call(request_id, everybody[at % PEOPLE], estimate, model="gpt-4o"))
            engine.settle_now(request_id, cost)
        ours.append((time.process_time() - start) / BATCH * 1e6)
    ratio = statistics.median(mine / other for mine, other in zip(ours, bare, strict=True))
    return Figure(name, statistics.median(ours), ratio, BOUND)


def _limits(person: str) -> Sequence[AppliedLimit]:
    month = Calendar(Period.MONTH, "Europe/Berlin")
    subjects = {Scope.USER: person, Scope.MEMBER: f'["red","{person}"]', Scope.END_USER: person}
    return [
        AppliedLimit(scope, subjects.get(scope, "red"), f"b-{scope}", unit, month, 10**17)
        for scope, unit in zip(Scope, [*Unit, *Unit], strict=True)
    ]
