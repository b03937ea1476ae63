"""How often an issuer's metadata is read while tokens ask for its keys (SEC-24)."""

import json

from gatepass.jwks import DiscoveredKeys, Fetched, KeySourceUnavailable
from support.clock import ManualClock
from support.fetching import ScriptedFetcher
from support.keys_over_time import KEY, NEXT, MakeKeeper, names
from support.tokens import ISSUER, key_set

METADATA = f"{ISSUER}/.well-known/openid-configuration"
OLD, NEW = f"{ISSUER}/old", f"{ISSUER}/new"
DOWN = KeySourceUnavailable("status")


class Issuer(ScriptedFetcher):
    """Publishes keys at an address that it can change; knows no entity tags."""

    def __init__(self) -> None:
        super().__init__({OLD: key_set(KEY), NEW: key_set(NEXT)})
        self.move(OLD)

    def move(self, jwks_uri: str) -> None:
        self.documents[METADATA] = json.dumps({"issuer": ISSUER, "jwks_uri": jwks_uri}).encode()

    async def get(self, url: str, etag: bytes | None = None) -> Fetched:
        return await super().get(url, etag)

    def taken(self) -> list[str]:
        asked, self.asked = self.asked, []
        return asked


async def test_sec_24_tokens_ask_for_the_keys_and_the_timer_for_where_they_are(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    issuer = Issuer()
    keeper = make_keeper(DiscoveredKeys(ISSUER, issuer))
    await keeper.refresh()
    assert issuer.taken() == [METADATA, OLD]
    issuer.move(NEW)
    for _ in range(26):
        clock.advance(10)
        await keeper.refresh()
    assert issuer.taken() == [OLD] * 26
    clock.advance(10)
    await keeper.refresh()
    assert issuer.taken() == [METADATA, NEW], "a flood does not put that off"
    assert names(keeper.current(clock.monotonic())) == ["key-2"]
    clock.advance(10)
    await keeper.refresh()
    assert issuer.taken() == [NEW]


async def test_after_a_failure_the_metadata_is_read_again(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    issuer = Issuer()
    keeper = make_keeper(DiscoveredKeys(ISSUER, issuer))
    await keeper.refresh()
    issuer.documents[OLD] = DOWN
    issuer.move(NEW)
    for _ in range(2):
        clock.advance(10)
        await keeper.refresh()
    assert issuer.taken() == [METADATA, OLD, OLD, METADATA, NEW]
    assert names(keeper.current(clock.monotonic())) == ["key-2"]


async def test_where_the_keys_of_another_keeper_are_is_asked_anew(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    issuer = Issuer()
    before = make_keeper(DiscoveredKeys(ISSUER, issuer))
    await before.refresh()
    after = make_keeper(DiscoveredKeys(ISSUER, issuer))
    after.inherit(before.loaded)
    clock.advance(10)
    await after.refresh()
    assert issuer.taken() == [METADATA, OLD, METADATA, OLD]
