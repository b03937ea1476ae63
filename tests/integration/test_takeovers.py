"""Attempts to become somebody else, each by its name, through a whole Gate on both stores.

Whatever the answer is, two things hold: the victims' rows are as they were, and nobody acts as one
of them. That a person gets what is theirs is shown beside the attempts that resemble it most.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatepass.plugin import Gate
from gatepass.plugin.decision import Decision
from gatepass.plugin.directory.database import Database
from gatepass.plugin.directory.journal import LinkJournal
from gatepass.plugin.directory.rules import RowDefaults
from gatepass.plugin.reasons import Reason
from gatepass.rbac.linking import EmailState
from gatepass.rbac.roles import Role
from support.databases import upgrade_file
from support.directories import Where, open_directory, query, url_of
from support.gates import OUR_ISSUER, chat, open_gate, token

if TYPE_CHECKING:
    from support.postgresql import PostgresqlProcess

HOME = str(OUR_ISSUER["issuer"])
OTHER = "https://other.example"
CLAIMS = {"user": ["user", "email"], "end_user": "customer", "roles": "groups"}
TRUSTED = {**OUR_ISSUER, "email_trusted": True, "claims": CLAIMS}
UNTRUSTED = {**OUR_ISSUER, "issuer": OTHER, "claims": CLAIMS}
ALL = RowDefaults()
VICTIMS = (
    *("ann", "bound", "boss", "by-id", "lead", "orgboss", "twice-1", "twice-2"),
    *("named@x.io", "root@x.io"),
)
NAMED = ", ".join(f"'{victim}'" for victim in VICTIMS)
ROWS = f"SELECT * FROM users WHERE user_id IN ({NAMED}) ORDER BY user_id"  # noqa: S608 - names of ours
VERIFIED = {"email_verified": True}


@pytest.fixture(params=["sqlite", "postgresql"])
async def where(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    """A database in which the victims are stored."""
    if request.param == "sqlite":
        place: Where = tmp_path / "gatepass.db"
        await upgrade_file(tmp_path / "gatepass.db")
    else:
        server: PostgresqlProcess = request.getfixturevalue("postgresql")
        place = server.new_database()
    async with open_directory(place) as directory:
        await directory.add_user("ann", email="ann@x.io", grants=ALL)
        await directory.add_user(
            "bound",
            issuer=HOME,
            subject="sub-bound",
            email="bound@x.io",
            email_state=EmailState.VERIFIED,
            grants=ALL,
        )
        await directory.add_user("boss", email="boss@x.io", role=Role.PROXY_ADMIN, grants=ALL)
        await directory.add_user(
            "by-id", home_issuer=HOME, sso_user_id="sso-1", email="by-id@x.io", grants=ALL
        )
        await directory.add_user("lead", email="lead@x.io", grants=ALL)
        await directory.add_team("red")
        await directory.add_membership("lead", "red", role="admin")
        await directory.add_user("orgboss", email="orgboss@x.io", grants=ALL)
        await directory.add_organization("acme")
        await directory.add_organization_membership("orgboss", "acme", Role.ORG_ADMIN)
        await directory.add_user("named@x.io", home_issuer=HOME, grants=ALL)
        await directory.add_user(
            "root@x.io", home_issuer=HOME, role=Role.PROXY_ADMIN, email="root@x.io", grants=ALL
        )
        for user_id in ("twice-1", "twice-2"):
            await directory.add_user(user_id, email="twice@x.io", grants=ALL)
    return place


@asynccontextmanager
async def gate_on(where: Where, folder: Path, **users: object) -> AsyncIterator[Gate]:
    async with open_gate(
        folder,
        issuers=[TRUSTED, UNTRUSTED],
        users={"upsert": True, **users},
        stores={"database": url_of(where)},
        budgets={"engine": "none"},
    ) as gate:
        yield gate


async def ask(gate: Gate, claims: Mapping[str, object]) -> Decision:
    bearer = token(**{"sub": "mallory", "user": "mallory", **claims})
    return await gate.decide(chat(bearer, target=b"/v1/models", method="GET", body=b""))


def who(decision: Decision) -> str | None:
    if not decision.allowed:
        assert decision.status in {401, 403}, decision.reason
        return None
    assert decision.caller is not None
    return decision.caller.user_id


ATTEMPTS: dict[str, dict[str, object]] = {
    "the administrator's address, not verified": {"email": "boss@x.io"},
    "the administrator's address, verified": {"email": "boss@x.io", **VERIFIED},
    "a team administrator's address": {"email": "lead@x.io", **VERIFIED},
    "an organization administrator's address": {"email": "orgboss@x.io", **VERIFIED},
    "an address that two people have": {"email": "twice@x.io", **VERIFIED},
    "an address that is somebody's already": {"email": "bound@x.io", **VERIFIED},
    "the address of a person with an id": {"email": "by-id@x.io", **VERIFIED},
    "an address that nobody verified": {"email": "ann@x.io"},
    "an address verified by a text": {"email": "ann@x.io", "email_verified": "true"},
    "an address verified by a number": {"email": "ann@x.io", "email_verified": 1},
    "an address verified in a list": {"email": "ann@x.io", "email_verified": [True]},
    "an address that its domain's owner denies": {"email": "ann@x.io", "xms_edov": False},
    "an address of an issuer that nobody trusts with them": {
        "iss": OTHER,
        "email": "ann@x.io",
        **VERIFIED,
    },
    "two addresses": {"email": ["mallory@x.io", "ann@x.io"], **VERIFIED},
    "an address within an address": {"email": "mallory@evil.example,ann@x.io", **VERIFIED},
    "an address behind an address": {"email": "ann@x.io@evil.example", **VERIFIED},
    "an address with a tag": {"email": "ann+mallory@x.io", **VERIFIED},
    "an address with a pattern": {"email": "an_@x.io", **VERIFIED},
    "an address of another script": {"email": "\u0430nn@x.io", **VERIFIED},
    "an address with a letter that folds": {"email": "by-\u0130d@x.io", **VERIFIED},
    "an address with a space": {"email": "ann@x.io ", **VERIFIED},
    "another person's id as the user": {"user": "bound"},
    "the administrator's id as the user": {"user": "boss"},
    "the administrator's id as the subject": {"sub": "boss", "user": None},
    "another person's subject as the user": {"user": "sub-bound"},
    "another person's subject at another issuer": {
        "iss": OTHER,
        "sub": "sub-bound",
        "user": "bound",
    },
    "another person's id at another issuer": {"iss": OTHER, "sub": "sso-1", "user": "sso-1"},
    "the administrator's id that is an address, not verified": {
        "user": None,
        "email": "root@x.io",
    },
    "the administrator's id that is an address, verified": {
        "user": None,
        "email": "root@x.io",
        **VERIFIED,
    },
    "the administrator's id that is an address, in another claim": {"user": "root@x.io"},
    "an id that is an address, not verified": {"user": None, "email": "named@x.io"},
    "an id that is an address, with another one verified": {
        "user": "named@x.io",
        "email": "mallory@x.io",
        **VERIFIED,
    },
    "an id that is an address, at another issuer": {
        "iss": OTHER,
        "user": None,
        "email": "named@x.io",
        **VERIFIED,
    },
    "the administrator's id as the customer": {"customer": "boss"},
}


@pytest.mark.parametrize("upsert", [True, False], ids=["upsert", "closed"])
@pytest.mark.parametrize("claims", ATTEMPTS.values(), ids=ATTEMPTS)
async def test_sec_52_to_54_takeover_by(
    where: Where, tmp_path: Path, claims: dict[str, object], *, upsert: bool
) -> None:
    before = query(where, ROWS)
    async with gate_on(where, tmp_path, upsert=upsert) as gate:
        for _ in range(2):
            assert who(await ask(gate, claims)) not in VICTIMS
    assert query(where, ROWS) == before


async def test_the_owner_of_a_verified_address_is_let_in(where: Where, tmp_path: Path) -> None:
    async with gate_on(where, tmp_path) as gate:
        assert who(await ask(gate, {"email": "Ann@X.io", **VERIFIED})) == "ann"
        assert who(await ask(gate, {"sub": "sub-bound", "user": "anything"})) == "bound"
        assert who(await ask(gate, {"sub": "x", "user": "sso-1"})) == "by-id"


async def test_the_owner_of_a_verified_address_has_the_row_of_that_id(
    where: Where, tmp_path: Path
) -> None:
    async with gate_on(where, tmp_path) as gate:
        claims = {"user": None, "email": "named@x.io"}
        assert who(await ask(gate, {**claims, **VERIFIED})) == "named@x.io"
        assert who(await ask(gate, claims)) == "named@x.io", "bound, by issuer and subject"


async def test_sec_53_takeover_by_having_a_row_made_for_somebodys_address(
    where: Where, tmp_path: Path
) -> None:
    async with gate_on(where, tmp_path) as gate:
        squatter = await ask(gate, {"user": None, "email": "carol@x.io"})
        assert squatter.reason is Reason.IDENTITY_DENIED
        owner = {"sub": "carol", "user": None, "email": "carol@x.io", **VERIFIED}
        assert who(await ask(gate, owner)) == "carol@x.io"
        assert who(await ask(gate, {"sub": "dan@x.io", "user": "dan@x.io"})) == "dan@x.io"


async def test_sec_52_takeover_by_squatting_on_an_address_before_its_owner_comes(
    where: Where, tmp_path: Path
) -> None:
    victim = {"sub": "carol", "user": "carol", "email": "carol@x.io", **VERIFIED}
    async with gate_on(where, tmp_path) as gate:
        assert who(await ask(gate, {"email": "carol@x.io"})) == "mallory"
        assert who(await ask(gate, victim)) == "carol"
        assert who(await ask(gate, {"email": "carol@x.io"})) == "mallory"
    assert query(where, "SELECT user_id, email_state FROM users WHERE email = 'carol@x.io'") in (
        [("carol", "verified"), ("mallory", "asserted")],
        [("mallory", "asserted"), ("carol", "verified")],
    )


async def test_sec_54_takeover_by_taking_the_id_before_its_owner_comes(
    where: Where, tmp_path: Path
) -> None:
    async with gate_on(where, tmp_path) as gate:
        assert who(await ask(gate, {"user": "carol"})) == "carol"
        late = await ask(gate, {"sub": "carol", "user": "carol"})
        assert late.reason is Reason.IDENTITY_DENIED, "refused, and not joined to a stranger's row"


async def test_sec_53_takeover_by_coming_back_after_an_unlink(where: Where, tmp_path: Path) -> None:
    mallory = {"email": "ann@x.io", **VERIFIED}
    async with gate_on(where, tmp_path) as gate:
        assert who(await ask(gate, mallory)) == "ann", "an identity provider that was wrong"
    database = Database(url_of(where))
    await database.open()
    await LinkJournal(database).unlink("ann", 1)
    await database.close()
    async with gate_on(where, tmp_path) as gate:
        for claims in (mallory, {**mallory, "user": "ann"}, {**mallory, "user": "somebody"}):
            assert (await ask(gate, claims)).reason is Reason.IDENTITY_DENIED
        owner = {**mallory, "sub": "the owner", "user": "the owner"}
        assert who(await ask(gate, owner)) == "ann"


async def test_sec_53_takeover_of_an_invitation_by_whoever_is_not_invited(
    where: Where, tmp_path: Path
) -> None:
    async with open_directory(where) as directory:
        await directory.add_user("guest", email="guest@x.io", invited=True, grants=ALL)
    async with gate_on(where, tmp_path, link="invited_only") as gate:
        assert who(await ask(gate, {"email": "ann@x.io", **VERIFIED})) is None
        assert who(await ask(gate, {"email": "guest@x.io"})) is None
        assert who(await ask(gate, {"email": "guest@x.io", **VERIFIED})) == "guest"


async def test_sec_52_takeover_from_a_domain_that_ends_alike(where: Where, tmp_path: Path) -> None:
    async with open_directory(where) as directory:
        await directory.add_user("eve", email="eve@notx.io", grants=ALL)
        await directory.add_user("sub", email="sub@a.x.io", grants=ALL)
    async with gate_on(where, tmp_path, email_domains=["x.io"]) as gate:
        for address in ("eve@notx.io", "sub@a.x.io"):
            assert who(await ask(gate, {"email": address, **VERIFIED})) is None
        assert who(await ask(gate, {"email": "ann@x.io", **VERIFIED})) == "ann"


async def test_sec_55_takeover_by_being_one_of_many_at_the_same_moment(
    where: Where, tmp_path: Path
) -> None:
    claims = [
        {"sub": f"m{number}", "user": f"m{number}", "email": "ann@x.io", **VERIFIED}
        for number in range(12)
    ]
    async with gate_on(where, tmp_path) as gate:
        answers = await asyncio.gather(*(ask(gate, claim) for claim in claims))
        assert sorted(map(who, answers), key=str) == [None] * 11 + ["ann"]
        again = [who(await ask(gate, claim)) for claim in claims]
    assert again == [who(answer) for answer in answers], "and the first stays the only one"
