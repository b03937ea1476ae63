"""Request bodies, read strictly: JSON in UTF-8, no member twice, decimals as they are written.

A decimal never becomes a float, because it may be money. Every body is JSON, whatever its
Content-Type says: command lines say that of a form. A page of another site gains nothing by it,
because no request counts without a token in a header.
"""

import json
from collections.abc import Callable, Coroutine, Iterable
from decimal import Decimal
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute

from gatepass.jwks.encoding import NotStrictJson

MAX_DEPTH = 8


def read_json(body: bytes) -> object:
    """Return the value that a body holds.

    Raises:
        NotStrictJson: for anything that is not plainly JSON, or nested too deeply.

    """
    try:
        value: object = _DECODER.decode(str(body, "utf-8"))
    except (ValueError, RecursionError):  # also: digits beyond the interpreter's limit
        raise NotStrictJson from None
    _check_depth(value, MAX_DEPTH)
    return value


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrictJson
    return members


def _refuse_constant(_name: str) -> NoReturn:
    raise NotStrictJson


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=Decimal, parse_constant=_refuse_constant
)


def _check_depth(value: object, left: int) -> None:
    if not isinstance(value, (list, dict)):
        return
    if left == 0:
        raise NotStrictJson
    for member in value.values() if isinstance(value, dict) else value:
        _check_depth(member, left - 1)


def _called_json(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    others = [header for header in headers if header[0].lower() != b"content-type"]
    return [*others, (b"content-type", b"application/json")]


class StrictRequest(Request):
    """A request whose body is read strictly."""

    async def json(self) -> object:
        """Return the body's value.

        Raises:
            NotStrictJson: the body is not strict JSON.

        """
        return read_json(await self.body())


class StrictRoute(APIRoute):
    """A route that reads bodies strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, given strict requests."""
        handler = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            scope = {**request.scope, "headers": _called_json(request.scope["headers"])}
            return await handler(StrictRequest(scope, request.receive))

        return strictly
