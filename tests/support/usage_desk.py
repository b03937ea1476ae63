"""The page that takes reports of usage, with books that know one request."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from gatepass.plugin.gateways.http_door import decision_app
from gatepass.plugin.gateways.usage_reports import usage_reports
from support.asgi import HANG_UP, Exchange, body_messages, exchange, http_scope
from support.doors import Bounds, ScriptedDecider
from support.kong_events import Books
from support.llm_answers import CHAT

TOKEN = b"0123456789abcdef0123456789abcdef"
GOOD = (b"authorization", b"Bearer " + TOKEN)
TAIL = ',"usage":' + json.dumps(CHAT) + "}"
"""What the Lua for APISIX leaves of a JSON answer."""


@dataclass(frozen=True)
class Reporting(Bounds):
    deadline_seconds: float = 0.02
    usage_token: bytes | None = TOKEN
    cost_header: bytes | None = None


@dataclass
class Desk:
    """A decision service with books that know one request."""

    books: Books = field(default_factory=lambda: Books({"r-1"}))
    bounds: Reporting = Reporting()
    faults: int = 0
    codes: list[str] = field(default_factory=list)

    async def post(
        self,
        *chunks: bytes,
        headers: Sequence[tuple[bytes, bytes]] = (GOOD,),
        method: str = "POST",
        client: tuple[str, int] | None = ("127.0.0.1", 4711),
    ) -> Exchange:
        app = decision_app(ScriptedDecider(), self.bounds, usage_reports(self.books, self.bounds))
        scope = http_scope(method, b"/usage", headers, client=client)
        messages = body_messages(*chunks) if chunks else [HANG_UP]
        done = await exchange(app, scope, messages)
        assert done.values(b"cache-control") == [b"no-store"]
        assert len(done.values(b"content-length")) == 1
        self.faults = app.faults
        return done

    async def report(self, *records: object) -> tuple[int, int]:
        """Send records and return how many settled something and how many did not."""
        body = json.dumps(records if len(records) != 1 else records[0]).encode()
        done = await self.post(body)
        assert done.status == 200
        told = json.loads(done.body)
        assert set(told) == {"settled", "already_settled", "unknown", "problems"}
        assert len(told["problems"]) == told["unknown"]
        self.codes = [problem["code"] for problem in told["problems"]]
        return told["settled"] + told["already_settled"], told["unknown"]


def code_of(done: Exchange) -> tuple[int, str]:
    return done.status, json.loads(done.body)["error"]["code"]
