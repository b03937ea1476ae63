"""Who somebody is follows from issuer and subject, whatever else their token says or leaves out."""

from pathlib import Path

import pytest

from gatepass.plugin.directory.rules import RowDefaults
from support.clock import ManualClock
from support.directories import open_directory
from support.gates import chat, code_of, open_gate, token
from support.tokens import ISSUER

ALL = RowDefaults()


@pytest.mark.parametrize("claims", [{"user": None}, {"user": None, "team": "t1"}])
async def test_sec_54_a_token_without_the_user_claim_does_not_lead_past_the_persons_row(
    tmp_path: Path, claims: dict[str, object]
) -> None:
    async with open_directory(tmp_path / "gatepass.db") as directory:
        await directory.add_team("t1", grants=ALL)
        await directory.add_user("ann", issuer=ISSUER, subject="user-1", grants=ALL)
        async with open_gate(tmp_path, ManualClock()) as gate:
            decision = await gate.decide(chat(token(**claims)))
            assert decision.caller is not None
            assert decision.caller.user_id == "ann"
            assert decision.caller.role == "internal_user"
        await directory.set_blocked("user", "ann", blocked=True)
        async with open_gate(tmp_path, ManualClock()) as gate:
            assert await code_of(gate, chat(token(**claims))) == "user_blocked"
