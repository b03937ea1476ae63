"""The pages beside the decisions: is it alive, is it ready, and what a refusal looks like.

`/healthz` is 200 as long as the event loop runs. `/readyz` is 200 or 503 and says no more than that
to a stranger; what readers are told, here and at `/issuers`, is in status_pages.py. `/denied/CODE`
renders a refusal from the closed table of reasons, for proxies that can pass on no more than "no"
(nginx); a code that is not in the table is 404, as is any other path.
`/usage`, where the settings name a token for it, takes reports of finished calls.
"""

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.gateways.answers import RETRY_AFTER_HEADER, refusal_answer
from gatepass.plugin.gateways.decider import Judge
from gatepass.plugin.gateways.usage_reports import RETRY_AFTER_SECONDS, ComeLater
from gatepass.plugin.reasons import REASON_BY_CODE, Reason
from gatepass.plugin.refusals import refuse, refuse_for

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request

    from gatepass.plugin.decision import Decision
    from gatepass.plugin.gateways.usage_reports import UsageReports

_NO_STORE = {"cache-control": "no-store"}
_MAX_RETRY_AFTER_DIGITS = 10
_ANY_METHOD = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""nginx repeats the method of the refused request when it asks for the page."""


def information_pages(
    judge: Judge,
    reports: "UsageReports | None" = None,
    status: "Sequence[Route] | None" = None,
    further: "Sequence[Route]" = (),
) -> Starlette:
    """Return the application for every path that is not a decision.

    `status` are the pages for readers; without them `/readyz` says yes or no to everybody.
    `further` are other pages of the door.
    """

    async def readyz(_request: "Request") -> Response:
        ready = await judge.is_ready()
        return JSONResponse({"ready": ready}, 200 if ready else 503, headers=_NO_STORE)

    routes = [
        alive_route(),
        *([Route("/readyz", readyz)] if status is None else status),
        Route("/denied/{code}", _denied, methods=_ANY_METHOD),
        *further,
    ]
    if reports is not None:
        routes.append(Route("/usage", _usage_page(judge, reports), methods=["POST"]))
    return without_pages(routes)


def alive_route() -> Route:
    """Return `/healthz`."""

    async def healthz(_request: "Request") -> Response:
        return JSONResponse({"alive": True}, headers=_NO_STORE)

    return Route("/healthz", healthz)


def without_pages(routes: "Sequence[Route]") -> Starlette:
    """Return an application of these pages, at which every other path is 404."""
    pages = Starlette(routes=routes, exception_handlers={404: _explain, 405: _explain})
    pages.router.redirect_slashes = False
    return pages


async def _denied(request: "Request") -> Response:
    reason = REASON_BY_CODE.get(request.path_params["code"], Reason.ALLOWED)
    if reason is Reason.ALLOWED:
        raise HTTPException(404)
    return _refused(refuse_for(reason, _retry_after(request)))


def _refused(decision: "Decision") -> Response:
    status, headers, body = refusal_answer(decision)
    response = Response(body, status)
    response.raw_headers = list(headers)
    return response


def _usage_page(
    judge: Judge, reports: "UsageReports"
) -> "Callable[[Request], Awaitable[Response]]":
    async def usage(request: "Request") -> Response:
        try:
            outcome = await reports.take(request.scope, request.receive)
        except ComeLater as error:
            return _refused(refuse_for(REASON_BY_CODE[error.code], RETRY_AFTER_SECONDS))
        except RequestRefused as error:
            return _refused(refuse(error))
        except Exception as error:  # noqa: BLE001 - the outermost handler: the unknown is refused
            return _refused(judge.fault(error))
        return JSONResponse(outcome.to_json(), headers=_NO_STORE)

    return usage


def _retry_after(request: "Request") -> int | None:
    """Return the seconds that our own answer named and the proxy repeats, if they are a number."""
    text = request.headers.get(RETRY_AFTER_HEADER.decode(), "")
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_RETRY_AFTER_DIGITS):
        return None
    return int(text)


async def _explain(_request: "Request", error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return JSONResponse({"status": status}, status, headers=_NO_STORE)
