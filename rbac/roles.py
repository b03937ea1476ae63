"""The roles, and how a token's claims assert one.

Order: the admin scope, then the explicit mappings (first that matches, in the order written), then
the role of the stored row, then what the token plainly is: a person, or a machine of a team. Admins
come from the first three and from nothing else.
"""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a caller is to the proxy; the names are the peer's, so that operators recognize them."""

    PROXY_ADMIN = "proxy_admin"
    PROXY_ADMIN_VIEWER = "proxy_admin_viewer"
    ORG_ADMIN = "org_admin"
    TEAM = "team"
    INTERNAL_USER = "internal_user"
    INTERNAL_USER_VIEWER = "internal_user_viewer"
    END_USER = "end_user"


@dataclass(frozen=True, slots=True)
class RoleMapping:
    """A value of the roles claim, exactly, and the role that it stands for."""

    value: str
    role: Role


@dataclass(frozen=True, slots=True)
class RoleRules:
    """How claims assert a role; `admin_scope` None means that no scope makes an admin."""

    admin_scope: str | None = None
    mappings: tuple[RoleMapping, ...] = ()

    def asserted_role(self, roles: tuple[str, ...], scopes: frozenset[str]) -> Role | None:
        """Return the role that the token itself asserts, or None when it asserts none."""
        if self.admin_scope is not None and self.admin_scope in scopes:
            return Role.PROXY_ADMIN
        for mapping in self.mappings:
            if mapping.value in roles:
                return mapping.role
        return None
