from collections.abc import AsyncIterator

import pytest

from gatepass.jwks import Freshness, Issuer, KeySource, Verifier
from gatepass.jwks.keeper import Keeper
from support.clock import ManualClock
from support.keys_over_time import FRESHNESS, OTHER_ISSUER, MakeKeeper, MakeVerifier, rules
from support.tokens import ISSUER


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def make_keeper(clock: ManualClock) -> AsyncIterator[MakeKeeper]:
    made: list[Keeper] = []

    def make(source: KeySource, freshness: Freshness = FRESHNESS, chance: float = 0.5) -> Keeper:
        made.append(Keeper(ISSUER, source, clock=clock, freshness=freshness, chance=lambda: chance))
        return made[-1]

    yield make
    for keeper in made:
        await keeper.close()


@pytest.fixture
async def make_verifier(clock: ManualClock) -> AsyncIterator[MakeVerifier]:
    made: list[Verifier] = []

    def make(*sources: KeySource) -> Verifier:
        issuers = [
            Issuer(rules(issuer), source, FRESHNESS)
            for issuer, source in zip((ISSUER, OTHER_ISSUER), sources, strict=False)
        ]
        made.append(Verifier(issuers, clock=clock))
        return made[-1]

    yield make
    for verifier in made:
        await verifier.close()
