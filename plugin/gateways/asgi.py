"""The Gate in front of a Python service: an ASGI middleware.

Rules, in order: an HTTP request is judged on `raw_path`, and only if the `path` that the service
routes on is what these bytes decode to (SEC-32); its body is held back up to the limit and
replayed; a WebSocket is refused, because what goes over it cannot be judged; lifespan events pass.
What is allowed goes on with its headers changed, the request's id among them, and the decision in
`scope["state"]["gatepass"]`.
"""

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import unquote

from gatepass.plugin.decision import Decision, Deny, apply_headers
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.gateways.answers import Answer, refusal_answer
from gatepass.plugin.gateways.bodies import read_body, replay
from gatepass.plugin.gateways.decider import Decider, Judge
from gatepass.plugin.headers import REQUEST_ID
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse, refuse_for
from gatepass.plugin.request import Request

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

STATE_KEY = "gatepass"


class GatepassMiddleware:
    """Wraps an ASGI application; what the Gate does not allow never reaches it.

    `body_seconds` is how long a client may take to send the part of its body that is judged;
    `deadline_seconds` is for the decision alone.
    """

    def __init__(  # noqa: PLR0913 - all but the first two have defaults
        self,
        app: "ASGIApp",
        gate: Decider,
        *,
        profile: str = "default",
        max_body_bytes: int = 1024 * 1024,
        deadline_seconds: float = 2.0,
        body_seconds: float = 30.0,
    ) -> None:
        self._app = app
        self._judge = Judge(gate)
        self._profile = profile
        self._max_body_bytes = max_body_bytes
        self._deadline_seconds = deadline_seconds
        self._body_seconds = body_seconds

    @property
    def faults(self) -> int:
        """Return how often a decision failed in a way that nobody expected."""
        return self._judge.faults

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "http":
            await self._serve_http(scope, receive, send)
        elif scope["type"] == "websocket":
            await _refuse_websocket(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        else:
            raise ValueError("a kind of ASGI scope that nobody can judge")

    async def _serve_http(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        seen: list[Message] = []
        try:
            decision = await self._decide(scope, receive, seen)
        except RequestRefused as error:
            decision = refuse(error)
        except Exception as error:  # noqa: BLE001 - the outermost handler: the unknown is refused
            decision = self._judge.fault(error)
        if decision is None:
            return
        if isinstance(decision, Deny):
            self._judge.note(decision)
            await _send(send, "http.response", refusal_answer(decision))
            return
        inner = dict(scope)
        changed = apply_headers(decision, scope["headers"])
        inner["headers"] = [*changed, (REQUEST_ID, decision.request_id.encode())]
        inner["state"] = {**scope.get("state", {}), STATE_KEY: decision}
        await self._app(inner, replay(seen, receive), send)

    async def _decide(
        self, scope: "Scope", receive: "Receive", seen: "list[Message]"
    ) -> Decision | None:
        """Return the decision, or None when the client has hung up."""
        loop = asyncio.get_running_loop()
        target = _target(scope)
        try:
            async with asyncio.timeout(self._body_seconds):
                body = await read_body(receive, self._max_body_bytes, seen)
        except TimeoutError:
            return refuse_for(Reason.DEADLINE)
        if body is None:
            return None
        request = Request(
            method=scope["method"],
            target=target,
            headers=scope["headers"],
            body=body,
            profile=self._profile,
        )
        warm = self._judge.decide_warm(request)
        if warm is not None:
            return warm
        return await self._judge.decide(request, loop.time() + self._deadline_seconds)


def _target(scope: "Scope") -> bytes:
    raw_path: bytes = scope.get("raw_path") or b""
    # a server's or another middleware's rewriting must not come between judging and routing
    if not raw_path or unquote(raw_path.decode("latin-1")) != scope["path"]:
        raise RequestRefused(Reason.AMBIGUOUS_PATH)
    query: bytes = scope.get("query_string") or b""
    return raw_path + b"?" + query if query else raw_path


async def _refuse_websocket(scope: "Scope", receive: "Receive", send: "Send") -> None:
    """Refuse before the handshake; servers without denial responses answer 403 by themselves."""
    await receive()
    if "websocket.http.response" in scope.get("extensions", {}):
        answer = refusal_answer(refuse_for(Reason.ROUTE_DENIED))
        await _send(send, "websocket.http.response", answer)
    else:
        await send({"type": "websocket.close", "code": 1008})


async def _send(send: "Send", kind: str, answer: Answer) -> None:
    status, headers, body = answer
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
