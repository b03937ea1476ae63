"""`GET /me/budget`: how the limits of whoever asks stand, by the token that they call models with.

Anybody may ask who reaches the door: it is the token that counts, not the peer. It is judged within
the deadline, as in every request; a certificate that a header shows is not believed here, so a
token that is bound to one does not pass. What is refused is refused in the words of all refusals.
"""

import asyncio
import json
from typing import TYPE_CHECKING, Protocol

from starlette.responses import Response
from starlette.routing import Route

from gatepass.jwks.clock import SYSTEM_CLOCK, Clock
from gatepass.jwks.errors import GatepassError
from gatepass.plugin.gateways.answers import refusal_answer
from gatepass.plugin.gateways.decider import Judge
from gatepass.plugin.own_budget import PATH, to_document
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse, refuse_for
from gatepass.plugin.request import Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request as HttpRequest

    from gatepass.plugin.budgets.limits import LimitStanding
    from gatepass.plugin.decision import Deny

_HEADERS = {"cache-control": "no-store"}
_NO_PROFILE = ""


class OwnStandings(Protocol):
    """The Gate, as whoever asks about themselves sees it."""

    async def own_standings(self, request: Request) -> "Sequence[LimitStanding]":
        """Return how the limits of whoever asks stand, without those of others."""
        ...


def own_budget_route(
    gate: OwnStandings, judge: Judge, deadline_seconds: float, clock: Clock = SYSTEM_CLOCK
) -> Route:
    """Return the page; `judge` counts its faults."""

    async def page(asked: "HttpRequest") -> Response:
        request = Request(
            method="GET",
            target=PATH.encode(),
            headers=asked.scope["headers"],
            body=b"",
            profile=_NO_PROFILE,
        )
        try:
            async with asyncio.timeout(deadline_seconds):
                standings = await gate.own_standings(request)
            body = json.dumps(to_document(standings, clock.wall())).encode()
        except TimeoutError:
            return _refused(refuse_for(Reason.DEADLINE))
        except GatepassError as error:
            return _refused(refuse(error))
        except Exception as error:  # noqa: BLE001 - the outermost handler: the unknown is refused
            return _refused(judge.fault(error))
        return Response(body, headers=_HEADERS, media_type="application/json")

    return Route(PATH, page, methods=["GET"])


def _refused(refusal: "Deny") -> Response:
    status, headers, body = refusal_answer(refusal)
    response = Response(body, status)
    response.raw_headers = list(headers)
    return response
