"""What imported rows had spent counts in their first window here.

Only for rows that were made by the import, that have a limit of money, and whose window had not
ended elsewhere in the meantime. A member without a budget of their own spends the team's share.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from gatepass.plugin.budgets.limits import Scope, member_subject
from gatepass.plugin.budgets.opening_balance import Balance, begin_counters
from gatepass.plugin.declared.rows import Kind, RowId
from gatepass.plugin.declared.stored import STORED_KINDS
from gatepass.plugin.directory.changes.many import read_rows
from gatepass.plugin.directory.changes.records import (
    BudgetRecord,
    MembershipRecord,
    Record,
    TeamRecord,
)
from gatepass.plugin.directory.changes.transaction import Transaction
from gatepass.plugin.importers.litellm_row_money import Spending

_SCOPES = {
    Kind.TEAM: Scope.TEAM,
    Kind.MEMBER: Scope.MEMBER,
    Kind.USER: Scope.USER,
    Kind.CUSTOMER: Scope.END_USER,
    Kind.ORGANIZATION: Scope.ORGANIZATION,
}


async def carry_spending(
    transaction: Transaction, spending: Iterable[Spending], made: set[RowId]
) -> int:
    """Count what rows had spent, and return for how many there is a limit to count it for.

    Raises:
        StoreUnavailable: a row holds what it cannot hold.

    """
    wanted: dict[Kind, dict[RowId, int]] = {}
    for spent in spending:
        is_over = spent.resets_at is not None and spent.resets_at <= transaction.now
        if spent.row in made and spent.row.kind in _SCOPES and not is_over:
            wanted.setdefault(spent.row.kind, {})[spent.row] = spent.nano_usd
    balances: list[Balance] = []
    for kind, amounts in wanted.items():
        records = await _read(transaction, kind, [row.key for row in amounts])
        teams: Sequence[Record] = ()
        if kind is Kind.MEMBER:
            teams = await _read(transaction, Kind.TEAM, [row.key[1:] for row in amounts])
        balances += _balances(kind, records, amounts, teams)
    return await begin_counters(transaction.connection, balances, transaction.now)


async def _read(
    transaction: Transaction, kind: Kind, keys: Sequence[tuple[str, ...]]
) -> list[Record]:
    return await read_rows(transaction, STORED_KINDS[kind], list(dict.fromkeys(keys)))


def _balances(
    kind: Kind, records: Iterable[Record], amounts: Mapping[RowId, int], teams: Iterable[Record]
) -> Iterator[Balance]:
    shares = {team.team_id: team.member_budget for team in teams if isinstance(team, TeamRecord)}
    for record in records:
        key = STORED_KINDS[kind].key_of(record)
        budget: BudgetRecord | None = getattr(record, "budget", None)
        subject = key[0]
        if isinstance(record, MembershipRecord):
            subject = member_subject(record.team_id, record.user_id)
            budget = budget or shares.get(record.team_id)
        if budget is not None:
            yield Balance(_SCOPES[kind], subject, budget.to_budget(), amounts[RowId(kind, key)])
