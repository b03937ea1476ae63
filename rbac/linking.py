"""Which stored row is this person? A pure decision over the rows that could be meant (SEC-52..55).

In this order; the first rule that speaks decides, and a doubt is a refusal, never a guess:

    1 subject    the row that is bound to (issuer, subject): who you are (SEC-54)
    2 id         the row whose id, or whose id at the identity provider, the token names: only in
                 the row's home issuer, only while the row is unbound
    3 e-mail     the one row with the token's address: only if an issuer that is trusted with
                 addresses verified it, its domain is allowed, the row is unbound and unprivileged,
                 and the policy says so
    4            no row matches: there is none to link

A row that matches and may not be linked refuses the caller, whatever upsert says: otherwise one
person would have two rows, or two persons one. Whoever was unlinked from a row never gets back to
it by these rules. Left to others: finding the rows, writing what was decided, and making new rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.roles import Role


class LinkPolicy(StrEnum):
    """Which unbound rows a verified address may link."""

    NEVER = "never"
    VERIFIED_EMAIL = "verified_email"
    INVITED_ONLY = "invited_only"


class EmailState(StrEnum):
    """What is known of a stored address: a token asserted it, an operator entered it, or proven."""

    ASSERTED = "asserted"
    ENTERED = "entered"
    VERIFIED = "verified"


class Evidence(StrEnum):
    """By what a row was found to be the person's."""

    SUBJECT = "subject"
    USER_ID = "user_id"
    SSO_USER_ID = "sso_user_id"
    VERIFIED_EMAIL = "verified_email"


@dataclass(frozen=True, slots=True)
class LinkRules:
    """When an address may link; `email_issuers` are the issuers that are trusted with addresses.

    `email_domains` are the domains that count, in lower case; empty means every domain.
    """

    policy: LinkPolicy = LinkPolicy.VERIFIED_EMAIL
    email_issuers: frozenset[str] = frozenset()
    email_domains: frozenset[str] = frozenset()

    def proves_address(self, identity: Identity) -> bool:
        """Answer whether the token's address is known to be the bearer's."""
        return identity.email_verified and identity.issuer in self.email_issuers


@dataclass(frozen=True, slots=True)
class StoredPerson:
    """A row as far as it says whose it is.

    `privileged` means that somebody with this row may do more than call models. `unlinked` means
    that an operator has taken the row from this very caller.
    """

    user_id: str
    home_issuer: str | None = None
    issuer: str | None = None
    subject: str | None = None
    sso_user_id: str | None = None
    email: str | None = None
    email_state: EmailState | None = None
    invited: bool = False
    privileged: bool = False
    unlinked: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """The row that is the caller's, and why."""

    user_id: str
    evidence: Evidence


PRIVILEGED_ROLES = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER, Role.ORG_ADMIN})
"""Roles whose rows are never linked by an address (SEC-53)."""


def decide_link(identity: Identity, rows: Sequence[StoredPerson], rules: LinkRules) -> Match | None:
    """Return the caller's row among the stored ones, or None when no row matches at all.

    Raises:
        AccessDenied: IDENTITY_DENIED when a row matches that may not be linked.

    """
    for row in rows:
        if (row.issuer, row.subject) == (identity.issuer, identity.subject):
            return Match(row.user_id, Evidence.SUBJECT)
    if identity.user_id is None:
        return None
    by_id = [row for row in rows if _is_named(row, identity)]
    if by_id:
        return _by_id(identity, _the_only(by_id))
    by_email = [row for row in rows if _has_address(row, identity.email)]
    if by_email:
        return _by_email(identity, _the_only(by_email), rules)
    return None


def _is_named(row: StoredPerson, identity: Identity) -> bool:
    """Tell whether the token names the row; an id at another provider is another person's."""
    if row.user_id == identity.user_id:
        return True
    foreign = row.home_issuer is not None and row.home_issuer != identity.issuer
    return not foreign and _sso_id_is_of(row, identity)


def _sso_id_is_of(row: StoredPerson, identity: Identity) -> bool:
    return row.sso_user_id is not None and row.sso_user_id in {identity.user_id, identity.subject}


def _has_address(row: StoredPerson, email: str | None) -> bool:
    return email is not None and row.email == email and row.email_state is not EmailState.ASSERTED


def _denied() -> AccessDenied:
    return AccessDenied(AccessFault.IDENTITY_DENIED)


def _the_only(rows: Sequence[StoredPerson]) -> StoredPerson:
    if len(rows) > 1:
        raise _denied()
    return rows[0]


def _by_id(identity: Identity, row: StoredPerson) -> Match:
    if row.home_issuer != identity.issuer:
        raise _denied()
    if row.issuer is not None:
        raise _denied()
    if row.sso_user_id is not None and not _sso_id_is_of(row, identity):
        raise _denied()
    if row.unlinked:
        raise _denied()
    named = row.user_id == identity.user_id
    return Match(row.user_id, Evidence.USER_ID if named else Evidence.SSO_USER_ID)


def _by_email(identity: Identity, row: StoredPerson, rules: LinkRules) -> Match:
    if rules.policy is LinkPolicy.NEVER:
        raise _denied()
    if not rules.proves_address(identity):
        raise _denied()
    domain = (identity.email or "").rpartition("@")[2]
    if rules.email_domains and domain not in rules.email_domains:
        raise _denied()
    if row.issuer is not None or row.sso_user_id is not None:
        raise _denied()
    if row.privileged:
        raise _denied()
    if row.unlinked:
        raise _denied()
    if rules.policy is LinkPolicy.INVITED_ONLY and not row.invited:
        raise _denied()
    return Match(row.user_id, Evidence.VERIFIED_EMAIL)
