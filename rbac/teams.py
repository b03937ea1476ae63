"""Which team is the caller acting for? A pure choice over what the token names.

Order: the team that the request's header chooses, which must be one of the token's; else the single
team of the token; else the token's list, in its own order, of which the first that is stored
counts. Only the single team may be made on the fly: a list often holds groups that are no teams at
all.
"""

from dataclasses import dataclass

from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity


@dataclass(frozen=True, slots=True)
class TeamChoice:
    """Candidate team ids in order; `required` means that one of them must exist.

    `creatable` means that the first candidate may be made by upsert.
    """

    candidates: tuple[str, ...]
    required: bool
    creatable: bool


def choose_team(identity: Identity, chosen: str | None) -> TeamChoice:
    """Return the candidates for the caller's team; `chosen` is the header's value or None.

    Raises:
        AccessDenied: TEAM_NOT_YOURS when the header chooses a team that the token does not name.

    """
    if chosen is not None and chosen != identity.team:
        if chosen not in identity.teams:
            raise AccessDenied(AccessFault.TEAM_NOT_YOURS)
        return TeamChoice((chosen,), required=True, creatable=False)
    if identity.team is not None:
        return TeamChoice((identity.team,), required=True, creatable=True)
    return TeamChoice(identity.teams, required=False, creatable=False)
