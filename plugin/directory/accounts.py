"""People and their rows: finding those that could be meant, linking one, making one, the journal.

What may be linked is decided by gatepass.rbac.linking; here it is asked and carried out, inside the
caller's transaction. Every row that is made for or joined to somebody is written into the journal
with the evidence, in the same transaction.
"""

from sqlalchemy import and_, bindparam, exists, insert, or_, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.plugin.directory.budget_rows import make_budget
from gatepass.plugin.directory.database import LostRace
from gatepass.plugin.directory.rows import models_text
from gatepass.plugin.directory.rules import DirectoryRules
from gatepass.plugin.directory.tables import (
    links,
    memberships,
    organization_memberships,
    teams,
    users,
)
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.linking import (
    PRIVILEGED_ROLES,
    EmailState,
    Evidence,
    Match,
    StoredPerson,
    decide_link,
)
from gatepass.rbac.roles import Role

_IS_TEAM_ADMIN = exists().where(
    memberships.c.user_id == users.c.user_id, memberships.c.role == "admin"
)
_IS_ORGANIZATION_ADMIN = exists().where(
    organization_memberships.c.user_id == users.c.user_id,
    organization_memberships.c.role.in_(sorted(PRIVILEGED_ROLES)),
)
_WAS_UNLINKED = exists().where(
    links.c.user_id == users.c.user_id,
    links.c.action == "unlinked",
    links.c.issuer == bindparam("issuer"),
    links.c.subject == bindparam("subject"),
)
_COULD_BE_MEANT = select(
    users.c.user_id,
    users.c.home_issuer,
    users.c.issuer,
    users.c.subject,
    users.c.sso_user_id,
    users.c.email,
    users.c.email_state,
    users.c.invited,
    users.c.role,
    or_(_IS_TEAM_ADMIN, _IS_ORGANIZATION_ADMIN).label("administers"),
    _WAS_UNLINKED.label("unlinked"),
).where(
    or_(
        and_(users.c.issuer == bindparam("issuer"), users.c.subject == bindparam("subject")),
        users.c.user_id == bindparam("user_id"),
        users.c.sso_user_id == bindparam("user_id"),
        users.c.sso_user_id == bindparam("subject"),
        and_(users.c.email == bindparam("email"), users.c.email_state != EmailState.ASSERTED),
    )
)


async def find_match(
    connection: AsyncConnection, rules: DirectoryRules, identity: Identity
) -> Match | None:
    """Return which stored row is the caller's, or None when none matches.

    Raises:
        AccessDenied: IDENTITY_DENIED when a row matches that may not be linked.

    """
    result = await connection.execute(
        _COULD_BE_MEANT,
        {
            "issuer": identity.issuer,
            "subject": identity.subject,
            "user_id": identity.user_id,
            "email": identity.email,
        },
    )
    rows = [_stored_person(row) for row in result.mappings()]
    return decide_link(identity, rows, rules.linking)


def _stored_person(row: RowMapping) -> StoredPerson:
    role = None if row["role"] is None else Role(row["role"])
    return StoredPerson(
        user_id=row["user_id"],
        home_issuer=row["home_issuer"],
        issuer=row["issuer"],
        subject=row["subject"],
        sso_user_id=row["sso_user_id"],
        email=row["email"],
        email_state=None if row["email_state"] is None else EmailState(row["email_state"]),
        invited=row["invited"],
        privileged=role in PRIVILEGED_ROLES or row["administers"],
        unlinked=row["unlinked"],
    )


async def link_user(
    connection: AsyncConnection, identity: Identity, match: Match, now: int
) -> None:
    """Bind an unbound row to the caller; `now` in seconds since the epoch.

    Raises:
        LostRace: somebody else bound it meanwhile.

    """
    values: dict[str, str] = {"issuer": identity.issuer, "subject": identity.subject}
    if match.evidence is Evidence.VERIFIED_EMAIL:
        values["email_state"] = EmailState.VERIFIED
    result = await connection.execute(
        update(users)
        .where(users.c.user_id == match.user_id, users.c.issuer.is_(None))
        .values(**values, version=users.c.version + 1)
    )
    if result.rowcount != 1:
        raise LostRace
    await note_link(connection, match.user_id, identity, "linked", match.evidence, now)


async def make_user(
    connection: AsyncConnection, rules: DirectoryRules, identity: Identity, now: int
) -> None:
    """Insert the caller's row with the defaults for users; `now` in seconds since the epoch.

    Raises:
        AccessDenied: TEAM_UNKNOWN when one of the default teams is not stored: the rules and the
            money of that team would not bind the new user.

    """
    defaults, user_id = rules.user_defaults, str(identity.user_id)
    state = EmailState.VERIFIED if rules.linking.proves_address(identity) else EmailState.ASSERTED
    await connection.execute(
        insert(users).values(
            user_id=user_id,
            home_issuer=identity.issuer,
            issuer=identity.issuer,
            subject=identity.subject,
            email=identity.email,
            email_state=None if identity.email is None else state,
            role=rules.user_role,
            models=models_text(defaults.models),
            budget_id=await make_budget(connection, defaults.budget, now),
            created_at=now,
        )
    )
    await note_link(connection, user_id, identity, "created", "upsert", now)
    if rules.user_teams:
        await _join_teams(connection, user_id, rules.user_teams)


async def _join_teams(connection: AsyncConnection, user_id: str, team_ids: tuple[str, ...]) -> None:
    result = await connection.execute(select(teams.c.team_id).where(teams.c.team_id.in_(team_ids)))
    if frozenset(result.scalars()) != frozenset(team_ids):
        raise AccessDenied(AccessFault.TEAM_UNKNOWN)
    await connection.execute(
        insert(memberships),
        [{"user_id": user_id, "team_id": team_id, "role": "user"} for team_id in team_ids],
    )


async def note_link(  # noqa: PLR0913, PLR0917 - the columns of an entry
    connection: AsyncConnection,
    user_id: str,
    identity: Identity,
    action: str,
    evidence: str,
    now: int,
) -> None:
    """Write into the journal who was joined to which row; `now` in seconds since the epoch."""
    await connection.execute(
        insert(links).values(
            user_id=user_id,
            action=action,
            issuer=identity.issuer,
            subject=identity.subject,
            evidence=evidence,
            email=identity.email if evidence == Evidence.VERIFIED_EMAIL else None,
            at=now,
        )
    )
