# ruff: noqa: INP001 - a program that stands alone, not a package
"""A Python service that guards itself with Gatepass; see docs/gateways/asgi.md.

    python service.py            # in this folder, with gatepass.yaml and keys beside it

Only `main` knows of Gatepass: any ASGI application can stand in the place of `service`.
"""

import asyncio
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gatepass.plugin import Gate, GatepassMiddleware, load_settings

HERE = Path(__file__).parent


async def models(request: Request) -> JSONResponse:
    """Answer with what Gatepass said about the caller."""
    decision = request.state.gatepass
    return JSONResponse(
        {
            "user": request.headers.get("x-gatepass-user"),
            "issuer": decision.identity.issuer,
            "role": decision.caller.role.value,
        }
    )


service = Starlette(routes=[Route("/v1/models", models)])


async def main() -> None:
    """Open the Gate, serve behind it, close it."""
    async with Gate.open(load_settings(HERE / "gatepass.yaml")) as gate:
        app = GatepassMiddleware(service, gate, profile="default")
        await uvicorn.Server(uvicorn.Config(app, port=8080, ws="none")).serve()


if __name__ == "__main__":
    asyncio.run(main())
