"""What stands in the books of a Gate that counts in process: what is reserved, what is spent."""

from gatepass.plugin import Gate
from gatepass.plugin.budgets.amounts import NOTHING
from gatepass.plugin.budgets.counters import Counter
from gatepass.plugin.budgets.memory import MemoryBudgets


def counters(gate: Gate) -> dict[str, Counter]:
    """Return the counters themselves, by their names."""
    return _engine(gate)._counters.running


def reserved(gate: Gate) -> list[str]:
    """Return the requests that hold a reservation, the oldest first."""
    return list(_engine(gate)._reservations.open)


def counted(gate: Gate) -> list[str]:
    """Return the requests that hold a reservation, or were charged for one lately."""
    reservations = _engine(gate)._reservations
    ended = [*reservations._finished_before.values(), *reservations._finished.values()]
    charged = [held.call.request_id for held in ended if held.charged != NOTHING]
    return [*charged, *reservations.open]


def _engine(gate: Gate) -> MemoryBudgets:
    engine = gate._budgets
    assert isinstance(engine, MemoryBudgets)
    return engine
