"""What notices of changes say, and on which of them it depends who a caller is.

A notice names a row by a digest of its kind and id, so that nobody who listens in learns who people
are (SEC-49, SEC-60). Whoever remembers a caller keeps the digests of all rows that the answer
depends on, also of those that were asked for and not there. Some answers depend on rows that nobody
can name beforehand (which team has this alias? of which teams is this person a member?): these
depend on every row of the kind.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b

from gatepass.plugin.decision import Effect
from gatepass.plugin.directory.changed import Changed, ChangedKind
from gatepass.rbac.identity import Identity
from gatepass.rbac.principals import Principals
from gatepass.rbac.teams import TeamChoice

Row = bytes
"""A row, or all rows of a kind, as notices name them."""

ROW_BYTES = 16


@lru_cache(maxsize=2_000)
def one_row(kind: ChangedKind, row_id: str) -> Row:
    """Return the name of one row."""
    # half a surrogate pair can stand in an id that a token says
    return _digest(f"{kind}\0{row_id}".encode("utf-8", "surrogatepass"))


@lru_cache
def any_row(kind: ChangedKind) -> Row:
    """Return the name that stands for every row of a kind."""
    return _digest(kind.encode())


def _digest(content: bytes) -> Row:
    return blake2b(content, digest_size=ROW_BYTES).digest()


def rows_changed(changes: Iterable[Changed]) -> tuple[Row, ...]:
    """Return what to forget after these changes, each once."""
    named = [name for kind, row_id in changes for name in (one_row(kind, row_id), any_row(kind))]
    return tuple(dict.fromkeys(named))


def changed_by_looking_up(
    effects: Iterable[Effect], candidates: Sequence[Principals]
) -> tuple[Changed, ...]:
    """Return which rows changed when somebody was looked up; all but two kinds are the person's."""
    changes: list[Changed] = []
    for effect in effects:
        if effect.kind == "team_created":
            changes.append(Changed("team", effect.subject_id))
        elif effect.kind == "end_user_created":
            changes.append(Changed("end_user", effect.subject_id))
        else:
            users = [principals.user for principals in candidates]
            changes += [Changed("user", user.user_id) for user in users if user is not None]
    return tuple(dict.fromkeys(changes))


def rows_behind(
    identity: Identity, choice: TeamChoice, candidates: Sequence[Principals]
) -> frozenset[Row]:
    """Return the rows on which it depends that `candidates` are the caller's."""
    found = {one_row("team", team_id) for team_id in choice.ids_to_load}
    if choice.memberships or choice.aliases:
        found.add(any_row("team"))
    if identity.organization is not None:
        found.add(one_row("organization", identity.organization))
    elif identity.organization_alias is not None:
        found.add(any_row("organization"))
    if identity.end_user is not None:
        found.add(one_row("end_user", identity.end_user))
    for principals in candidates:
        found.update(_rows_of(principals))
    return frozenset(found)


def _rows_of(principals: Principals) -> Iterable[Row]:
    user, team, organization = principals.user, principals.team, principals.organization
    # a row could be bound to the subject of whoever has none
    yield any_row("user") if user is None else one_row("user", user.user_id)
    if team is not None:
        yield one_row("team", team.team_id)
    if organization is not None:
        yield one_row("organization", organization.organization_id)
    if principals.share is not None:
        yield one_row("budget", principals.share.budget_id)
    for holder in (user, team, organization, principals.end_user, principals.member):
        if holder is not None and holder.budget is not None:
            yield one_row("budget", holder.budget.budget_id)
