"""What a recorded conversation implies of the client's request, Kong's setup and the upstream."""

import json
from collections.abc import Mapping
from urllib.parse import quote

from support.kong.conversation import Call, Request
from support.kong.request import ClientRequest, HeaderLine, PluginEntity, Route, Service
from support.kong.results import UpstreamReply

Replies = Mapping[tuple[str, object], object]
UNANSWERED = object()
_HOST = "api.example.test"
_OF_KONG = frozenset({"via", "connection", "x-cap-request"})


def replies(call: Call | None) -> dict[tuple[str, object], object]:
    """Return what every method gave, by its name and its first argument.

    What got no reply is there as UNANSWERED.
    """
    given: dict[tuple[str, object], object] = {}
    pending: list[tuple[str, object]] = []
    for line in call.lines if call is not None else []:
        shown = line.decoded
        if shown.get("frame") == "args":
            value = line.value
            first = next(iter(value.values()), None) if isinstance(value, dict) else None
            pending.append((str(shown["of"]), _key(first)))
        elif shown.get("frame") == "reply":
            given[pending.pop(0)] = _unwrapped(line.value)
        elif shown.get("type") == "response" and isinstance(shown["result"], dict):
            data = shown["result"].get("Data")
            if isinstance(data, dict):
                pending.append((data["Method"], _key(next(iter(data["Args"]), None))))
        elif shown.get("type") == "request":
            step = line.step
            given[pending.pop(0)] = step.get("Data")
    return {**dict.fromkeys(pending, UNANSWERED), **given}


def _key(argument: object) -> object:
    return argument if isinstance(argument, str | int) else None


def _unwrapped(value: object) -> object:
    if isinstance(value, dict) and set(value) <= {"v"}:
        return value.get("v")
    return value


def client_request(request: Request, target: bytes) -> ClientRequest:
    """Return the request that the client must have sent; `target` where nothing tells it."""
    given = replies(request.last("access"))
    told = {name.rpartition(".")[2]: value for (name, _), value in given.items()}
    path = told.get("get_path_with_query") or told.get("get_path")
    if isinstance(path, str):
        target = path.encode("utf-8", "surrogateescape")
    query = told.get("get_query")
    if isinstance(query, dict) and b"?" not in target:
        target += b"?" + _query(query)
    if (host := told.get("get_host")) not in {None, _HOST} and b"host" not in _names(told):
        target = f"http://{host}".encode() + target
    version = told.get("get_http_version")
    return ClientRequest(
        str(told.get("get_method") or "GET"),
        target,
        _headers(told.get("get_headers")) or (("Host", _HOST),),
        _body(told),
        http_version=version if isinstance(version, float) else 1.1,
    )


def _names(told: Mapping[str, object]) -> set[bytes]:
    headers = told.get("get_headers")
    return {name.encode() for name in headers} if isinstance(headers, dict) else set()


def _headers(told: object) -> tuple[HeaderLine, ...]:
    if not isinstance(told, dict):
        return ()
    return tuple(
        (name, value)
        for name, values in told.items()
        for value in (values if isinstance(values, list) else [values])
    )


def _query(told: Mapping[str, object]) -> bytes:
    arguments = []
    for name, values in told.items():
        for value in values if isinstance(values, list) and values else [values]:
            bare = value is True or value == []
            arguments.append(name if bare else f"{name}={quote(str(value))}")
    return "&".join(arguments).encode()


def _body(told: Mapping[str, object]) -> bytes:
    """The body, or one of the right size where only its path is told."""
    body = told.get("get_raw_body")
    if body is UNANSWERED:
        return b"q" * 20_000
    if isinstance(body, dict):
        body = body.get("content")
        if body is None:
            return b"A" * 100_000
    match body:
        case str():
            return body.encode("utf-8", "surrogateescape")
        case bytes():
            return body
    return b""


def route(request: Request, target: bytes) -> Route:
    """Return the route that took the request."""
    given = replies(request.last("access"))
    service = given.get(("kong.router.get_service", None))
    told = given.get(("kong.router.get_route", None))
    if not isinstance(told, dict):
        if target.startswith(b"/strip"):
            return Route(paths=("/strip",), strip_path=True, service=Service(path="/base"))
        return Route()
    key, paths = told["service"]["id"], tuple(told["paths"])
    facts = service if isinstance(service, dict) else {}
    return Route(told["id"], paths, told["strip_path"], Service(key, facts=facts), facts=told)


def entity(config: str) -> PluginEntity:
    """Return the plugin entity whose configuration StartInstance carried."""
    members = json.loads(config)
    own = {
        key: value
        for key, value in members.items()
        if not key.startswith("__") and key not in {"service_id", "route_id"}
    }
    name, route_id = members["__key__"].split(":")[1:3]
    return PluginEntity(
        name, own, members["__plugin_id"], route_id, members["service_id"], members["__ws_id"]
    )


def upstream_reply(request: Request) -> tuple[UpstreamReply, dict[str, object]]:
    """Return the upstream's response, and what other plugins noted of it in kong.ctx.shared."""
    given = replies(request.last("log"))
    told = {name: value for (name, _), value in given.items()}
    headers = told.get("kong.response.get_headers")
    status = told.get("kong.response.get_status")
    lines = []
    for name, values in headers.items() if isinstance(headers, dict) else ():
        if name not in _OF_KONG and not name.startswith("x-kong-"):
            lines += [(name, value) for value in (values if isinstance(values, list) else [values])]
    noted = {
        str(key): value
        for (name, key), value in given.items()
        if name == "kong.ctx.shared.get" and key == "usage" and value is not None
    }
    return UpstreamReply(status if isinstance(status, int) else 200, tuple(lines)), noted
