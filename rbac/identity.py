"""Who does the token say it is? VerifiedToken -> Identity, by the claim names of its issuer.

Only a verified token comes in here, and nothing is looked up: whether the user or the team exists
is the directory's question; what they may do is asked in authorize.py.
"""

from typing import TYPE_CHECKING

import msgspec

from gatepass.rbac.claims import (
    ClaimNames,
    is_email_verified,
    read_email,
    read_scopes,
    read_text,
    read_texts,
)
from gatepass.rbac.roles import Role, RoleRules

if TYPE_CHECKING:
    from gatepass.jwks.token import VerifiedToken


class Identity(msgspec.Struct, frozen=True, gc=False):
    """What a verified token says about its bearer; nothing here has been looked up.

    (`issuer`, `subject`) is who it is (RFC 7519 section 4.1.2); `user_id` only names the row and is
    None for a machine. `role` is what the token asserts by admin scope or mapping, else None.
    `email` is lower case; `email_verified` is true only if the issuer vouches for it.
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


def identify(token: "VerifiedToken", names: ClaimNames, rules: RoleRules) -> Identity:
    """Read who a verified token says that its bearer is.

    Raises:
        AccessDenied: BAD_IDENTITY_CLAIM when a claim that names the caller has the wrong shape.

    """
    claims = token.claims
    email = read_email(claims, names.email)
    roles = read_texts(claims, names.roles)
    scopes = read_scopes(claims, names.scopes)
    return Identity(
        issuer=token.issuer,
        subject=token.subject,
        user_id=read_text(claims, names.user),
        email=email,
        email_verified=email is not None and is_email_verified(claims, names),
        team=read_text(claims, names.team),
        teams=read_texts(claims, names.teams),
        organization=read_text(claims, names.organization),
        end_user=read_text(claims, names.end_user),
        roles=roles,
        scopes=scopes,
        role=rules.asserted_role(roles, scopes),
    )
