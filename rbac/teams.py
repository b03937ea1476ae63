"""Which team is the caller acting for? A pure choice over what the token names and what is stored.

The candidates come from the first of these that says anything, in this order:

    1 team          the one team that the token is for, by its id
    2 team alias    the same, by the team's name; a name that two teams have is no name
    3 teams         the token's list, in its own order; those that are not stored are passed over
    4 memberships   the person's stored ones by id, if the settings fall back to them
    5 default       the team of the settings

What the token names must be stored: if nothing of it is, the caller is refused, unless the settings
say that an unknown name counts as none. The request's header chooses among the candidates by id,
else by name. Whether it means somebody else's team or none at all makes no difference to the
answer. Only a single team, of the token or of the settings, may be made on the fly.

Of several candidates the first counts that may use the route and the model of the request; that is
judged elsewhere (checks.py), in the order given here.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.principals import Team


class Fallback(StrEnum):
    """Which memberships count when a token names no team."""

    NONE = "none"
    SINGLE_MEMBERSHIP = "single_membership"
    MEMBERSHIPS = "memberships"


@dataclass(frozen=True, slots=True)
class TeamRules:
    """What happens to callers whose token names no team, or none that is stored.

    `default` is a team's id. With `unknown_falls_back` a name that is not stored counts as none.
    With `required` a team there must be; only proxy admins go without (standing.py).
    """

    default: str | None = None
    fallback: Fallback = Fallback.NONE
    unknown_falls_back: bool = False
    required: bool = False


NO_TEAM_RULES = TeamRules()


@dataclass(frozen=True, slots=True)
class TeamChoice:
    """The candidates before anything was looked up.

    `ids` and `aliases` are what is named; `required` means that one of the candidates must be
    stored, `creatable` that the first id, or the default, may be made by upsert. `memberships`, or
    the only one if `only_single`, and `default` count when nothing is named, or with `falls_back`
    when nothing of it is stored. `chosen` is what the header says.
    """

    ids: tuple[str, ...]
    required: bool
    creatable: bool
    aliases: tuple[str, ...] = ()
    memberships: bool = False
    only_single: bool = False
    default: str | None = None
    falls_back: bool = False
    chosen: str | None = None

    @property
    def ids_to_load(self) -> tuple[str, ...]:
        """Return all ids that `among` needs to know about."""
        return self.ids if self.default is None else (*self.ids, self.default)

    @property
    def id_to_make(self) -> str | None:
        """Return the id of the team that may be made when there is no candidate."""
        if not self.creatable:
            return None
        return self.ids[0] if self.ids else self.default

    def among(self, stored: Sequence[Team], member_of: Collection[str]) -> tuple[Team, ...]:
        """Return the teams that the caller may act for, in order.

        `stored` are all teams with one of the ids or aliases, and those of the person's
        memberships when they are asked for; `member_of` are the ids of the latter.

        Raises:
            AccessDenied: TEAM_AMBIGUOUS when a name is that of two teams, TEAM_NOT_YOURS when the
                header chooses none of the candidates.

        """
        by_id = {team.team_id: team for team in stored}
        ids = dict.fromkeys(self._candidates(by_id, member_of))
        candidates = tuple(by_id[team_id] for team_id in ids)
        if self.chosen is None:
            return candidates
        return (_the_chosen(self.chosen, candidates),)

    def _candidates(self, stored: dict[str, Team], member_of: Collection[str]) -> Sequence[str]:
        named = [team_id for team_id in self.ids if team_id in stored]
        for alias in self.aliases:
            named += _of_alias(alias, stored.values())
        if named or ((self.ids or self.aliases) and not self.falls_back):
            return named
        if self.memberships and not (self.only_single and len(member_of) > 1):
            named = sorted(team_id for team_id in member_of if team_id in stored)
        if not named and self.default is not None and self.default in stored:
            return (self.default,)
        return named


def choose_team(
    identity: Identity, chosen: str | None, rules: TeamRules = NO_TEAM_RULES
) -> TeamChoice:
    """Return the candidates for the caller's team; `chosen` is the header's value or None.

    Raises:
        AccessDenied: TEAM_NOT_YOURS when the header chooses a team and there can be none.

    """
    named = tuple(_named(identity))
    if chosen is not None and chosen in named:
        return TeamChoice((chosen,), required=True, creatable=chosen == identity.team)
    ids, aliases = _first_said(identity)
    if chosen is not None:
        ids, aliases = named, _alias(identity)
        if not ids and not aliases and not rules.default and rules.fallback is Fallback.NONE:
            raise AccessDenied(AccessFault.TEAM_NOT_YOURS)
    named_any = bool(ids or aliases)
    open_end = not named_any or rules.unknown_falls_back
    default = rules.default if open_end else None
    one_named = identity.team is not None and not open_end
    return TeamChoice(
        ids,
        required=chosen is not None or not open_end or default is not None,
        creatable=chosen is None and (one_named or (not named_any and default is not None)),
        aliases=aliases,
        memberships=open_end and rules.fallback is not Fallback.NONE,
        only_single=rules.fallback is Fallback.SINGLE_MEMBERSHIP,
        default=default,
        falls_back=rules.unknown_falls_back,
        chosen=chosen,
    )


def _named(identity: Identity) -> Iterator[str]:
    if identity.team is not None:
        yield identity.team
    yield from identity.teams


def _alias(identity: Identity) -> tuple[str, ...]:
    return () if identity.team_alias is None else (identity.team_alias,)


def _first_said(identity: Identity) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the ids or the aliases of the first claim that says anything."""
    if identity.team is not None:
        return (identity.team,), ()
    if identity.team_alias is not None:
        return (), (identity.team_alias,)
    return identity.teams, ()


def _of_alias(alias: str, teams: Collection[Team]) -> list[str]:
    """Return the id of the team with this name, if there is one.

    Raises:
        AccessDenied: TEAM_AMBIGUOUS when there are two.

    """
    found = [team.team_id for team in teams if team.alias == alias]
    if len(found) > 1:
        raise AccessDenied(AccessFault.TEAM_AMBIGUOUS)
    return found


def _the_chosen(chosen: str, candidates: Sequence[Team]) -> Team:
    """Return the candidate that the header means; an id goes before a name."""
    ids = [team.team_id for team in candidates]
    if chosen not in ids:
        named = _of_alias(chosen, candidates)
        if not named:
            raise AccessDenied(AccessFault.TEAM_NOT_YOURS)
        chosen = named[0]
    return candidates[ids.index(chosen)]
