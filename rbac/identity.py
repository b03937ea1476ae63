"""Who does the token say it is? VerifiedToken -> Identity, by the claim names of its issuer.

Only a verified token comes in here, and nothing is looked up: whether the user or the team exists
is the directory's question; what they may do is asked in checks.py. The object id is the one claim
whose meaning depends on another: with the role of a team it is the team's id, with any other role
the user's, and without a role it is nobody's.
"""

from typing import TYPE_CHECKING

import msgspec

from gatepass.rbac.addresses import is_verified, read_email
from gatepass.rbac.claims import (
    ClaimNames,
    is_there,
    read_first,
    read_scopes,
    read_text,
    read_texts,
)
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.overage import is_withheld, lacks_who, says_less
from gatepass.rbac.roles import Role, RoleRules

if TYPE_CHECKING:
    from gatepass.jwks.token import VerifiedToken


class Identity(msgspec.Struct, frozen=True, gc=False):
    """What a verified token says about its bearer; nothing here has been looked up.

    (`issuer`, `subject`) is who it is (RFC 7519 section 4.1.2); `user_id` only names the row and is
    None for a machine. `role` is what the token asserts by admin scope or mapping, else None.
    `email` is lower case; `email_verified` is true only if the issuer vouches for it.
    `teams_listed` is true when the token has a list of teams, be it an empty one. `groups_withheld`
    means that the lists are not complete: nobody may be judged by such an identity.
    """

    issuer: str
    subject: str
    user_id: str | None
    email: str | None
    email_verified: bool
    team: str | None
    teams: tuple[str, ...]
    organization: str | None
    end_user: str | None
    roles: tuple[str, ...]
    scopes: frozenset[str]
    role: Role | None
    organization_alias: str | None = None
    teams_listed: bool = False
    team_alias: str | None = None
    groups_withheld: bool = False


def identify(
    token: "VerifiedToken",
    names: ClaimNames,
    rules: RoleRules,
    groups: tuple[str, ...] | None = None,
) -> Identity:
    """Read who a verified token says that its bearer is.

    `groups` stand for the teams and roles that the token leaves out, the first of them for the
    team; without them `groups_withheld` says that there are some.

    Raises:
        AccessDenied: BAD_IDENTITY_CLAIM when a claim that names the caller has the wrong shape,
            GROUPS_OVERAGE when the token leaves out another claim that would count.

    """
    claims, numbers = token.claims, names.numbers_as_ids
    email = read_email(claims, names.email)
    scopes = read_scopes(claims, names.scopes)
    no_roles = no_teams = no_team = False
    if says_less(claims):
        if lacks_who(claims, names):
            raise AccessDenied(AccessFault.GROUPS_OVERAGE)
        no_roles, no_teams, no_team = (
            is_withheld(claims, paths) for paths in (names.roles, names.teams, names.team)
        )
    if no_roles:
        roles = groups or ()
    else:
        roles = read_texts(claims, names.roles, separator=names.separators.get("roles"))
    if no_teams:
        teams = groups or ()
    else:
        separator = names.separators.get("teams")
        teams = read_texts(claims, names.teams, separator=separator, numbers="teams" in numbers)
    listed = groups is not None if no_teams else bool(teams) or is_there(claims, names.teams)
    role = rules.asserted_role(roles, scopes)
    user_id = read_text(claims, names.user, numbers="user" in numbers)
    # most issuers name few of these, and to see that costs less than a call
    team = read_first(claims, names.team, numbers="team" in numbers) if names.team else None
    if no_team:
        team = groups[0] if groups else None
    if names.object_id:
        object_id = read_text(claims, names.object_id, numbers="object_id" in numbers)
        if object_id is not None and role is Role.TEAM:
            team = object_id
        elif object_id is not None and role is not None:
            user_id = object_id
    team_alias = read_text(claims, names.team_alias) if names.team_alias else None
    alias = read_text(claims, names.organization_alias) if names.organization_alias else None
    return Identity(
        issuer=token.issuer,
        subject=token.subject,
        user_id=user_id,
        email=email,
        email_verified=email is not None and is_verified(claims, names, email),
        team=team,
        teams=teams,
        organization=read_text(claims, names.organization, numbers="organization" in numbers),
        end_user=read_text(claims, names.end_user, numbers="end_user" in numbers),
        roles=roles,
        scopes=scopes,
        role=role,
        organization_alias=alias,
        teams_listed=listed,
        team_alias=team_alias,
        groups_withheld=groups is None and (no_roles or no_teams or no_team),
    )
