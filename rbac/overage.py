"""Groups that a token leaves out because they are too many.

Entra names such claims in `_claim_names` (the aggregated and distributed claims of OpenID Connect
Core, section 5.6.2) and says where they could be asked for; in tokens of the implicit flow it says
`hasgroups` instead of `groups`. A token that leaves out a claim that would count does not say that
there is none: without it nobody knows who its bearer is, what they may do, or whom they bill. Lists
of roles and teams, and the team, can be found out by the deployment; whoever lacks another one is
refused. The address in the token is never asked: whoever signs tokens does not choose where we
connect to.
"""

from collections.abc import Mapping

from gatepass.rbac.claims import ClaimNames, ClaimPath, first_value
from gatepass.rbac.errors import AccessDenied, AccessFault

_NAMED_ELSEWHERE = "_claim_names"
_HAS_GROUPS = "hasgroups"
_GROUPS = "groups"


def says_less(claims: Mapping[str, object]) -> bool:
    """Answer whether the token says of any claim that it is left out."""
    return _NAMED_ELSEWHERE in claims or _HAS_GROUPS in claims


def is_withheld(claims: Mapping[str, object], paths: tuple[ClaimPath, ...]) -> bool:
    """Answer whether the token leaves out a claim that would count if it were there.

    A candidate that is there counts as usual, unless one before it was left out.

    Raises:
        AccessDenied: BAD_IDENTITY_CLAIM when the list of what is left out cannot be read.

    """
    elsewhere = _elsewhere(claims)
    for path in paths:
        if first_value(claims, (path,)) is not None:
            return False
        if path.literal in elsewhere or (path.steps and path.steps[0] in elsewhere):
            return True
    return False


def lacks_who(claims: Mapping[str, object], names: ClaimNames) -> bool:
    """Answer whether the token leaves out what no list of groups could make up for.

    Raises:
        AccessDenied: BAD_IDENTITY_CLAIM as for `is_withheld`.

    """
    return any(
        is_withheld(claims, paths)
        for paths in (
            names.user,
            names.object_id,
            names.email,
            names.email_verified,
            names.email_owner,
            names.team_alias,
            names.organization,
            names.organization_alias,
            names.end_user,
            names.scopes,
        )
    )


def _elsewhere(claims: Mapping[str, object]) -> frozenset[str]:
    named = claims.get(_NAMED_ELSEWHERE)
    if named is not None and not isinstance(named, dict):
        raise AccessDenied(AccessFault.BAD_IDENTITY_CLAIM)
    names = frozenset(named or ())
    says = claims.get(_HAS_GROUPS)
    return names if says is None or says is False else names | {_GROUPS}
