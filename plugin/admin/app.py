"""The management service as an ASGI application behind the Gate.

Every request passes the Gate first, as it came, by rows that are read for it and not remembered:
whoever lost a right a moment ago has lost it here. Its OpenAPI document stands at `/openapi.json`,
behind the Gate like everything else.
"""

from typing import TYPE_CHECKING

from fastapi import FastAPI

from gatepass.jwks.clock import SYSTEM_CLOCK, Clock
from gatepass.plugin.admin.budgets import budget_routes
from gatepass.plugin.admin.customers import customer_routes
from gatepass.plugin.admin.desk import Desk
from gatepass.plugin.admin.organization_members import organization_member_routes
from gatepass.plugin.admin.organizations import organization_routes
from gatepass.plugin.admin.refusals import install
from gatepass.plugin.admin.team_members import member_routes
from gatepass.plugin.admin.teams import team_routes
from gatepass.plugin.admin.users import user_routes
from gatepass.plugin.decision import Decision
from gatepass.plugin.directory.database import Database
from gatepass.plugin.gate import Gate
from gatepass.plugin.gateways.asgi import GatepassMiddleware
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from gatepass.plugin.request import BodyState, Request
from gatepass.plugin.version import VERSION

if TYPE_CHECKING:
    from gatepass.plugin.settings.compiled import AdminDoor

_DESCRIPTION = (
    "Users, teams, organizations, end users and budgets. Callers send the tokens that they call "
    "models with; docs/management.md says who may do what."
)


class _Fresh:
    """The Gate, judging by rows that are read for the request."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def decide_warm(self, request: Request) -> Decision | None:
        """Return None: what is remembered does not count here."""
        del request
        return None

    async def decide(self, request: Request) -> Decision:
        """Return the decision; what follows in a body above the limit is never read."""
        if request.body is BodyState.TOO_LARGE:
            return refuse_for(Reason.BODY_TOO_LARGE)
        return await self._gate.decide(request, fresh=True)

    async def is_ready(self) -> bool:
        """Tell whether requests can be judged."""
        return await self._gate.is_ready()


def management_app(
    gate: Gate, database: Database, door: "AdminDoor", clock: Clock = SYSTEM_CLOCK
) -> GatepassMiddleware:
    """Return the management service for an open database."""
    return GatepassMiddleware(
        documented_app(Desk(database, gate, clock)),
        _Fresh(gate),
        profile=door.profile,
        max_body_bytes=door.max_body_bytes,
        deadline_seconds=door.deadline_seconds,
        body_seconds=door.deadline_seconds,
    )


def documented_app(desk: Desk) -> FastAPI:
    """Return the service without the Gate, for its document."""
    app = FastAPI(
        title="Gatepass management",
        version=VERSION,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    install(app)
    for routes in (
        user_routes(desk),
        team_routes(desk),
        member_routes(desk),
        organization_routes(desk),
        organization_member_routes(desk),
        customer_routes(desk, "/customer"),
        customer_routes(desk, "/end_user"),
        budget_routes(desk),
    ):
        app.include_router(routes)
    return app
