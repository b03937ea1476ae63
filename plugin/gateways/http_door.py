"""The decision service's own paths: one question of a proxy in, one answer out.

`/envoy/PROFILE/original/target`, `/nginx/PROFILE`, `/traefik/PROFILE`, `/caddy/PROFILE`.

Steps, in order: the path names the convention and the profile; the peer must be a configured
proxy; the client's certificate, where proxies show it, is taken out of the headers; the body is
read, up to the limit, if the proxy shows one; the Gate decides, all before the deadline; the answer
goes out in the proxy's convention. Everything else than the decision paths is left to `pages`. This
is a bare ASGI callable because routing and request objects of a framework cost more than a decision
in memory does.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from gatepass.plugin.decision import Decision, Deny
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.gateways.answers import to_answer
from gatepass.plugin.gateways.bodies import read_body
from gatepass.plugin.gateways.certificates import CertificateHeader, take_certificate
from gatepass.plugin.gateways.conventions import CONVENTIONS, Convention
from gatepass.plugin.gateways.decider import Decider, Judge
from gatepass.plugin.gateways.forwarded import announces_body, read_marks, to_request
from gatepass.plugin.gateways.own_budget_page import own_budget_route
from gatepass.plugin.gateways.pages import information_pages
from gatepass.plugin.gateways.peers import Network, TrustedProxies
from gatepass.plugin.gateways.promptly import Promptly
from gatepass.plugin.gateways.status_pages import Readers, status_routes
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse, refuse_for
from gatepass.plugin.request import CertificateState

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from gatepass.plugin.gateways.own_budget_page import OwnStandings
    from gatepass.plugin.gateways.usage_reports import UsageReports
    from gatepass.plugin.headers import Header
    from gatepass.plugin.request import BodyState
    from gatepass.plugin.telemetry.health import Watched


class DoorBounds(Protocol):
    """Whom the decision service believes, and its bounds; the settings' HTTP door is one.

    The deadline covers reading the body and deciding.
    """

    @property
    def trusted_proxies(self) -> Sequence[Network]:
        """The networks of the proxies that may ask."""
        ...

    @property
    def max_body_bytes(self) -> int:
        """The largest body that is judged."""
        ...

    @property
    def deadline_seconds(self) -> float:
        """How long an answer may take."""
        ...

    @property
    def client_certificate(self) -> CertificateHeader | None:
        """Where the proxies show the client's certificate; None where they do not."""
        ...


class DecisionApp:
    """Answers decision paths itself and gives all other paths to `pages`."""

    def __init__(self, judge: Judge, bounds: DoorBounds, pages: "ASGIApp") -> None:
        self._judge = judge
        self._proxies = TrustedProxies(bounds.trusted_proxies)
        self._max_body_bytes = bounds.max_body_bytes
        self._deadline_seconds = bounds.deadline_seconds
        self._certificate = bounds.client_certificate
        self._pages = pages

    @property
    def faults(self) -> int:
        """Return how often a decision failed in a way that nobody expected."""
        return self._judge.faults

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one ASGI scope."""
        # "", convention, profile, the rest of the target without its first slash
        parts: list[bytes] = (scope.get("raw_path") or b"").split(b"/", 3)
        convention = CONVENTIONS.get(parts[1]) if len(parts) > 1 else None
        if convention is None or len(parts) != convention.path_parts or scope["type"] != "http":
            await self._pages(scope, receive, send)
            return
        try:
            decision = await self._decide(convention, parts, scope, receive)
        except RequestRefused as error:
            decision = refuse(error)
        except Exception as error:  # noqa: BLE001 - the outermost handler: the unknown is refused
            decision = self._judge.fault(error)
        if decision is None:
            return
        if isinstance(decision, Deny):
            self._judge.note(decision)
        status, headers, body = to_answer(convention, scope["headers"], decision)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _decide(
        self, convention: Convention, parts: list[bytes], scope: "Scope", receive: "Receive"
    ) -> Decision | None:
        """Return the decision, or None when the proxy has hung up."""
        if not self._proxies.include(scope):
            return refuse_for(Reason.UNTRUSTED_PROXY)
        until = asyncio.get_running_loop().time() + self._deadline_seconds
        headers: Sequence[Header] = scope["headers"]
        certificate: bytes | CertificateState = CertificateState.NOT_SHOWN
        if self._certificate is not None:
            certificate, headers = take_certificate(self._certificate, headers)
        marks = read_marks(convention, headers)
        body: bytes | BodyState = b""
        if announces_body(convention, marks):
            try:
                shown = await Promptly(read_body(receive, self._max_body_bytes, []), until)
            except TimeoutError:
                return refuse_for(Reason.DEADLINE)
            if shown is None:
                return None
            body = shown
        request = to_request(
            convention,
            profile=parts[2].decode("latin-1"),
            method=scope["method"],
            target=_question_target(parts, scope["query_string"]),
            headers=headers,
            marks=marks,
            body=body,
            certificate=certificate,
        )
        warm = self._judge.decide_warm(request)
        return await self._judge.decide(request, until) if warm is None else warm


def _question_target(parts: list[bytes], query: bytes) -> bytes:
    """Return what follows the profile, in the very bytes that came."""
    path = b"/" + parts[-1]
    return path + b"?" + query if query else path


def decision_app(
    decider: Decider,
    bounds: DoorBounds,
    reports: "UsageReports | None" = None,
    watched: "Watched | None" = None,
    own: "OwnStandings | None" = None,
) -> DecisionApp:
    """Return the whole decision service as an ASGI application.

    None takes no reports; of what is `watched` the trusted proxies may read how it fares; `own`
    tells callers of their limits.
    """
    judge = Judge(decider)
    status = None
    if watched is not None:
        status = status_routes(watched, Readers(bounds.trusted_proxies))
    further = [] if own is None else [own_budget_route(own, judge, bounds.deadline_seconds)]
    return DecisionApp(judge, bounds, information_pages(judge, reports, status, further))
