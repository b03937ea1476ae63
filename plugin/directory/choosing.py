"""From what is stored to whom the caller may act for: one set of principals for each team.

The teams are chosen by gatepass.rbac.teams. An organization that the token names must be stored,
and must be the team's where the team has one: only one organization is judged, and the other would
escape, blocked or not. Of several teams those that do not fit are left out; when none fits, the
first says why.
"""

from gatepass.plugin.directory.caller_rows import CallerRows, TeamRow
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.principals import Organization, Principals, Team
from gatepass.rbac.teams import TeamChoice


def names_organization(identity: Identity) -> bool:
    """Answer whether the token names an organization, by id or by alias."""
    return identity.organization is not None or identity.organization_alias is not None


def chosen_teams(choice: TeamChoice, rows: CallerRows) -> tuple[TeamRow, ...]:
    """Return the stored teams that the caller may act for, in order.

    Raises:
        AccessDenied: TEAM_AMBIGUOUS or TEAM_NOT_YOURS, when the choice cannot be made.

    """
    by_id = {row.team.team_id: row for row in rows.teams}
    teams = choice.among([row.team for row in rows.teams], rows.member_of)
    return tuple(by_id[team.team_id] for team in teams)


def make_candidates(
    identity: Identity, rows: CallerRows, chosen: tuple[TeamRow, ...]
) -> tuple[Principals, ...]:
    """Return one set of principals for each chosen team, or the one without a team.

    Raises:
        AccessDenied: ORGANIZATION_UNKNOWN or IDENTITY_DENIED, when no team fits.

    """
    if not chosen:
        _check_organization(identity, None, rows.organization)
        return (Principals(rows.user, None, rows.organization, rows.end_user, None),)
    fitting: list[Principals] = []
    first_fault: AccessDenied | None = None
    for row in chosen:
        try:
            _check_organization(identity, row.team, row.organization)
        except AccessDenied as denied:
            first_fault = first_fault or denied
        else:
            fitting.append(_acting_for(row, rows))
    if first_fault is not None and not fitting:
        raise first_fault
    return tuple(fitting)


def _acting_for(row: TeamRow, rows: CallerRows) -> Principals:
    return Principals(
        user=rows.user,
        team=row.team,
        organization=row.organization,
        end_user=rows.end_user,
        member=row.member,
        share=row.share if row.member is None else None,
    )


def _check_organization(
    identity: Identity, team: Team | None, organization: Organization | None
) -> None:
    of_team = None if team is None else team.organization_id
    if of_team is None and not names_organization(identity):
        return
    if organization is None or not _is_the_named(identity, organization):
        raise AccessDenied(AccessFault.ORGANIZATION_UNKNOWN)
    if of_team is not None and of_team != organization.organization_id:
        raise AccessDenied(AccessFault.IDENTITY_DENIED)


def _is_the_named(identity: Identity, organization: Organization) -> bool:
    """Tell an organization that the token names from one that only the team has."""
    if identity.organization is not None or identity.organization_alias is None:
        return True  # found by its id, or by nothing but the team
    return organization.alias == identity.organization_alias
