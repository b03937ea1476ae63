"""What the routes have in common: how they are documented, their headers, paging, and bodies."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple, TypedDict, TypeVar

from fastapi import APIRouter, Depends, Header, Query
from sqlalchemy.sql.elements import ColumnElement

from gatepass.plugin.admin.answers import Answer, ErrorAnswer
from gatepass.plugin.admin.json_bodies import StrictRoute
from gatepass.plugin.admin.values import Body
from gatepass.plugin.directory.changes.listing import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE

MAX_PAGE = 1_000_000
Filter = TypeVar("Filter")
_REFUSALS = {
    400: "The request is malformed.",
    401: "Another token is needed.",
    403: "The caller may not.",
    404: "The row is not stored, and the caller may know.",
    409: "The rows are not as the request takes them to be.",
    422: "The idempotency key belongs to another request.",
    503: "The store or the keys are not available.",
}


class Documented(TypedDict):
    """The arguments of a route that document it."""

    responses: dict[int | str, dict[str, Any]]
    dependencies: list[Any]


def _change_headers(
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="Of the client's making; the same request is carried out once in a day.",
            pattern="^[!-~]{1,255}$",
        ),
    ] = None,
    if_match: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description="The version that the client has seen, in quotes.",
            pattern=r'^("[1-9][0-9]{0,9}"|\*)$',
        ),
    ] = None,
) -> None:
    """Have both headers documented; the desk reads them."""
    del idempotency_key, if_match


def change(answer: type[Answer]) -> Documented:
    """Return what documents a route that changes something."""
    return {"responses": _responses(answer), "dependencies": [Depends(_change_headers)]}


def look(answer: type[Answer]) -> Documented:
    """Return what documents a route that only looks."""
    responses = _responses(answer)
    for status in (409, 422):
        del responses[status]
    return {"responses": responses, "dependencies": []}


def _responses(answer: type[Answer]) -> dict[int | str, dict[str, Any]]:
    refusals: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorAnswer, "description": sentence}
        for status, sentence in _REFUSALS.items()
    }
    return {200: {"model": answer}, **refusals}


def router(tag: str) -> APIRouter:
    """Return a router that reads bodies strictly."""
    return APIRouter(tags=[tag], route_class=StrictRoute)


class Paging(NamedTuple):
    """Which page of a list; the first is 1."""

    page: int
    size: int


def _paging(
    page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1,
    page_size: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = DEFAULT_PAGE_SIZE,
) -> Paging:
    return Paging(page, page_size)


AnyPage = Annotated[Paging, Depends(_paging)]


def filtered(
    value: Filter | None, condition: Callable[[Filter], ColumnElement[bool]]
) -> tuple[ColumnElement[bool], ...]:
    """Return the condition of a filter, where one is asked for."""
    return () if value is None else (condition(value),)


def said(body: Body, names: Mapping[str, str], clearable: frozenset[str]) -> dict[str, Any]:
    """Return the members of a body that say something, by our names for them.

    Null says something only of those that can be cleared.
    """
    return {
        ours: getattr(body, theirs)
        for theirs, ours in names.items()
        if body.says(theirs) and (getattr(body, theirs) is not None or theirs in clearable)
    }
