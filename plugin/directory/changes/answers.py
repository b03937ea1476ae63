"""Answers kept for idempotency keys: whoever asks again is told the same, and nothing is done.

A key is its actor's own. It is looked up and kept in the transaction of the change, so that two
requests with one key make one change. Answers are kept for a day.
"""

import hashlib
from typing import NamedTuple

from sqlalchemy import delete, insert, select
from sqlalchemy.sql.elements import ColumnElement

from gatepass.plugin.directory.changes.faults import ChangeFault, ChangeRefused
from gatepass.plugin.directory.changes.transaction import Transaction
from gatepass.plugin.directory.tables import answers

KEPT_SECONDS = 86_400


class KeptAnswer(NamedTuple):
    """What was answered."""

    status: int
    body: str


def request_digest(*parts: bytes) -> str:
    """Return what stands for a request; its parts are kept apart (SEC-49)."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()


async def kept_answer(transaction: Transaction, key: str, digest: str) -> KeptAnswer | None:
    """Return what the same request with this key was answered, or None for the first.

    Raises:
        ChangeRefused: KEY_REUSED when it was another request.

    """
    query = select(answers.c.digest, answers.c.status, answers.c.body).where(
        *_whose(transaction, key), answers.c.at > transaction.now - KEPT_SECONDS
    )
    row = (await transaction.connection.execute(query)).one_or_none()
    if row is None:
        return None
    if row.digest != digest:
        raise ChangeRefused(ChangeFault.KEY_REUSED, "idempotency-key")
    return KeptAnswer(row.status, row.body)


async def keep_answer(transaction: Transaction, key: str, digest: str, answer: KeptAnswer) -> None:
    """Keep an answer for a day, and forget those that are older."""
    connection, now = transaction.connection, transaction.now
    await connection.execute(delete(answers).where(answers.c.at <= now - KEPT_SECONDS))
    issuer, subject = _actor(transaction)
    values = {"actor_issuer": issuer, "actor_subject": subject, "key": key, "digest": digest}
    await connection.execute(insert(answers).values(**values, **answer._asdict(), at=now))


def _actor(transaction: Transaction) -> tuple[str, str]:
    return transaction.actor.issuer or "", transaction.actor.subject


def _whose(transaction: Transaction, key: str) -> tuple[ColumnElement[bool], ...]:
    issuer, subject = _actor(transaction)
    return (
        answers.c.actor_issuer == issuer,
        answers.c.actor_subject == subject,
        answers.c.key == key,
    )
