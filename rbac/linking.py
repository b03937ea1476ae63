"""Which stored row is this person? A pure decision over the rows that could be meant (SEC-52..55).

In this order; the first rule that speaks decides, and a doubt is a refusal, never a guess:

    1 subject    the row that is bound to (issuer, subject): who you are (SEC-54)
    2 id         the row whose id, or whose id at the identity provider, the token names: only in
                 the row's home issuer, only while the row is unbound; an id that is an address and
                 not the subject proves no more than an address does, so rule 3 holds as well
    3 e-mail     the one row with the token's address: only if an issuer that is trusted with
                 addresses verified it, its domain is allowed, the row is unbound and unprivileged,
                 and the policy says so
    4            no row matches: there is none to link

A row that matches and may not be linked refuses the caller, whatever upsert says: otherwise one
person would have two rows, or two persons one. Whoever was unlinked from a row never gets back to
it by these rules. Nor is a new row made for an id that is an address nobody verified: its owner
would come too late. Left to others: finding the rows, writing what was decided, making new rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gatepass.rbac.addresses import is_address
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

    `email_domains` are the domains that count, in lower case; None means every domain.
    """

    policy: LinkPolicy = LinkPolicy.VERIFIED_EMAIL
    email_issuers: frozenset[str] = frozenset()
    email_domains: frozenset[str] | None = None

    def proves_address(self, identity: Identity) -> bool:
        """Answer whether the token's address is known to be the bearer's."""
        return identity.email_verified and identity.issuer in self.email_issuers

    def accepts_domain(self, identity: Identity) -> bool:
        """Answer whether the domain of the token's address counts; no address has none."""
        domain = (identity.email or "").rpartition("@")[2]
        return self.email_domains is None or domain in self.email_domains


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


class Obstacle(StrEnum):
    """Why a row that matches is not the caller's, for whoever runs the service."""

    SEVERAL_ROWS = "several rows match"
    NO_HOME_ISSUER = "the row has no home_issuer"
    OTHER_HOME_ISSUER = "the row's home_issuer is another one than the token's"
    BOUND = "the row belongs to another identity already"
    OTHER_SSO_USER_ID = "the row's sso_user_id is another one"
    UNLINKED = "the row was unlinked from this very identity"
    ADDRESS_NOT_PROVEN = "no issuer that is trusted with addresses verified the token's address"
    POLICY_NEVER = "users.link is never"
    DOMAIN = "the domain of the address does not count"
    PRIVILEGED = "the row may do more than call models, and an address does not link such a one"
    NOT_INVITED = "the row is not invited, and users.link is invited_only"


class LinkDenied(AccessDenied):
    """A row matches and may not be linked; `user_id` is None where there is no single one."""

    def __init__(self, obstacle: Obstacle, user_id: str | None) -> None:
        super().__init__(AccessFault.IDENTITY_DENIED)
        self.obstacle = obstacle
        self.user_id = user_id


PRIVILEGED_ROLES = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER, Role.ORG_ADMIN})
"""Roles whose rows are never linked by an address (SEC-53)."""


def decide_link(identity: Identity, rows: Sequence[StoredPerson], rules: LinkRules) -> Match | None:
    """Return the caller's row among the stored ones, or None when no row matches at all.

    Raises:
        LinkDenied: a row matches that may not be linked.

    """
    for row in rows:
        if (row.issuer, row.subject) == (identity.issuer, identity.subject):
            return Match(row.user_id, Evidence.SUBJECT)
    if identity.user_id is None:
        return None
    by_id = [row for row in rows if _is_named(row, identity)]
    if by_id:
        return _by_id(identity, _the_only(by_id), rules)
    by_email = [row for row in rows if _has_address(row, identity.email)]
    if by_email:
        return _by_email(identity, _the_only(by_email), rules)
    return None


def check_names_new_row(identity: Identity, rules: LinkRules) -> None:
    """Refuse an id for a new row that could be somebody else's address.

    Raises:
        LinkDenied: its owner would come too late.

    """
    if _id_is_address(identity) and not _proves_id(identity, rules):
        raise LinkDenied(Obstacle.ADDRESS_NOT_PROVEN, None)


def _id_is_address(identity: Identity) -> bool:
    """Tell whether the id is an address that the bearer may have chosen, as no subject is."""
    user_id = identity.user_id
    return user_id is not None and user_id != identity.subject and "@" in user_id


def _proves_id(identity: Identity, rules: LinkRules) -> bool:
    """Tell whether the id is the very address that an issuer trusted with addresses verified."""
    user_id = identity.user_id or ""
    same = is_address(user_id) and user_id.lower() == identity.email
    return same and rules.proves_address(identity)


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


def _the_only(rows: Sequence[StoredPerson]) -> StoredPerson:
    if len(rows) > 1:
        raise LinkDenied(Obstacle.SEVERAL_ROWS, None)
    return rows[0]


def _by_id(identity: Identity, row: StoredPerson, rules: LinkRules) -> Match:
    if row.home_issuer is None:
        raise LinkDenied(Obstacle.NO_HOME_ISSUER, row.user_id)
    if row.home_issuer != identity.issuer:
        raise LinkDenied(Obstacle.OTHER_HOME_ISSUER, row.user_id)
    if row.issuer is not None:
        raise LinkDenied(Obstacle.BOUND, row.user_id)
    if row.sso_user_id is not None and not _sso_id_is_of(row, identity):
        raise LinkDenied(Obstacle.OTHER_SSO_USER_ID, row.user_id)
    if row.unlinked:
        raise LinkDenied(Obstacle.UNLINKED, row.user_id)
    if _id_is_address(identity) and row.sso_user_id != identity.subject:
        if not _proves_id(identity, rules):
            raise LinkDenied(Obstacle.ADDRESS_NOT_PROVEN, row.user_id)
        _check_address_links(identity, row, rules)
    named = row.user_id == identity.user_id
    return Match(row.user_id, Evidence.USER_ID if named else Evidence.SSO_USER_ID)


def _by_email(identity: Identity, row: StoredPerson, rules: LinkRules) -> Match:
    if not rules.proves_address(identity):
        raise LinkDenied(Obstacle.ADDRESS_NOT_PROVEN, row.user_id)
    if row.issuer is not None:
        raise LinkDenied(Obstacle.BOUND, row.user_id)
    if row.sso_user_id is not None:
        raise LinkDenied(Obstacle.OTHER_SSO_USER_ID, row.user_id)
    if row.unlinked:
        raise LinkDenied(Obstacle.UNLINKED, row.user_id)
    _check_address_links(identity, row, rules)
    return Match(row.user_id, Evidence.VERIFIED_EMAIL)


def _check_address_links(identity: Identity, row: StoredPerson, rules: LinkRules) -> None:
    """Refuse a row that not even a verified address links."""
    if rules.policy is LinkPolicy.NEVER:
        raise LinkDenied(Obstacle.POLICY_NEVER, row.user_id)
    if not rules.accepts_domain(identity):
        raise LinkDenied(Obstacle.DOMAIN, row.user_id)
    if row.privileged:
        raise LinkDenied(Obstacle.PRIVILEGED, row.user_id)
    if rules.policy is LinkPolicy.INVITED_ONLY and not row.invited:
        raise LinkDenied(Obstacle.NOT_INVITED, row.user_id)
