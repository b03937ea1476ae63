"""The roles, and how a token's claims assert one.

Order: the admin scope, then the explicit mappings, then the role of the stored row, then what the
token plainly is: a person, or a machine of a team (standing.py). Of several mappings that match,
the first in the order written counts, or the highest role by setting; in neither case does the
order within the claim matter. Admins come from the first three and from nothing else.
"""

from dataclasses import dataclass
from enum import StrEnum

from gatepass.rbac.globs import matches_glob, split_glob


class Role(StrEnum):
    """What a caller is to the proxy; the names are the peer's, so that operators recognize them.

    They stand in the order of rank, the highest first.
    """

    PROXY_ADMIN = "proxy_admin"
    PROXY_ADMIN_VIEWER = "proxy_admin_viewer"
    ORG_ADMIN = "org_admin"
    TEAM = "team"
    INTERNAL_USER = "internal_user"
    INTERNAL_USER_VIEWER = "internal_user_viewer"
    END_USER = "end_user"


PROXY_ADMINS = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})
"""Roles that administer the proxy itself."""

_RANKS = {role: rank for rank, role in enumerate(Role)}


class Precedence(StrEnum):
    """Which of several mappings counts that match."""

    FIRST = "first"
    HIGHEST = "highest"


_FIRST = Precedence.FIRST


@dataclass(frozen=True, slots=True)
class RoleMapping:
    """A value of the roles claim and the role that it stands for.

    The value is meant exactly, but for `*`, which stands for any run of characters.
    """

    value: str
    role: Role

    def matches(self, roles: tuple[str, ...]) -> bool:
        """Answer whether one of the token's values is meant."""
        if "*" not in self.value:
            return self.value in roles
        pieces = split_glob(self.value)
        return any(matches_glob(pieces, role) for role in roles)


@dataclass(frozen=True, slots=True)
class RoleRules:
    """How claims assert a role; `admin_scope` None means that no scope makes an admin.

    `allowed` are values of the roles claim of which a person must have one, where neither scope nor
    mapping asserts a role; None is no such rule, and an empty set admits nobody. With `required`
    nobody has a role for being plainly a person or a machine.
    """

    admin_scope: str | None = None
    mappings: tuple[RoleMapping, ...] = ()
    precedence: Precedence = _FIRST
    allowed: frozenset[str] | None = None
    required: bool = False

    def asserted_role(self, roles: tuple[str, ...], scopes: frozenset[str]) -> Role | None:
        """Return the role that the token itself asserts, or None when it asserts none."""
        if self.admin_scope is not None and self.admin_scope in scopes:
            return Role.PROXY_ADMIN
        asserted = None
        for mapping in self.mappings:
            if mapping.matches(roles):
                if self.precedence is _FIRST:
                    return mapping.role
                if asserted is None or _RANKS[mapping.role] < _RANKS[asserted]:
                    asserted = mapping.role
        return asserted
