"""Who does the token say it is? VerifiedToken -> Identity, by the claim names of its issuer."""

from dataclasses import dataclass

from gatepass.rbac.roles import Role


@dataclass(frozen=True, slots=True)
class Identity:
    """What a verified token says about its bearer; nothing here has been looked up.

    (`issuer`, `subject`) is who it is (RFC 7519 section 4.1.2); `user_id` only names the row and is
    None for a machine. `role` is what the token asserts by admin scope or mapping, else None.
    `email` is lower case; `email_verified` is true only for a JSON true.
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
