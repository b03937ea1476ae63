"""A Gate is opened with what it is given."""

from pathlib import Path

from gatepass.jwks.clock import SYSTEM_CLOCK
from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.plugin import load_settings
from gatepass.plugin.opening import open_gate
from support.gates import KEY, OUR_ISSUER, chat, code_of, settings_file
from support.tokens import key_set

KEYS = "https://keys.example/keys"


class Documents:
    """Has one document and no network."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def get(self, url: str) -> bytes:
        self.asked.append(url)
        if url != KEYS:
            raise KeySourceUnavailable("status")
        return key_set(KEY)


async def test_every_issuer_is_asked_by_the_fetcher_that_is_given(tmp_path: Path) -> None:
    without_keys = {name: value for name, value in OUR_ISSUER.items() if name != "jwks"}
    away = {**without_keys, "issuer": "https://away.example"}
    issuers = [{**without_keys, "jwks_uri": KEYS}, away]
    settings = load_settings(settings_file(tmp_path, issuers=issuers))
    documents = Documents()
    async with open_gate(settings, clock=SYSTEM_CLOCK, stores=None, fetcher=documents) as gate:
        assert await code_of(gate, chat()) == "allowed"
        assert [status.last_error for status in gate.issuers()] == [None, "status"]
    assert sorted(documents.asked) == [
        "https://away.example/.well-known/openid-configuration",
        KEYS,
    ]
