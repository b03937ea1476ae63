"""The log entry of kong.log.serialize, as far as a plugin may want to read it."""

from support.kong.octets import octets_text
from support.kong.query import query_table
from support.kong.request import WORKSPACE
from support.kong.state import RequestState


def serialized(state: RequestState) -> dict[str, object]:
    """Return the log entry of a request. Raises LuaError where there is no response yet."""
    response = state.answered()
    proxied = response.source == "service"
    route = state.settings.route
    target = octets_text(state.request.origin_form)
    entry: dict[str, object] = {
        "latencies": {"request": 7, "kong": 7, "proxy": 0 if proxied else -1, "receive": 0},
        "client_ip": state.forwarded_ip,
        "started_at": int(state.started * 1000),
        "workspace": WORKSPACE,
        "workspace_name": "default",
        "source": "upstream" if proxied else "kong",
        "upstream_uri": state.upstream_path + (f"?{state.query}" if state.query else ""),
        "upstream_status": str(response.status) if proxied else "",
        "service": {**route.service.facts, "id": route.service.id},
        "route": route.as_told(),
        "request": {
            "id": state.request_id,
            "method": state.request.method,
            "uri": target,
            "url": f"http://{state.request.host}:{state.settings.port}{target}",
            "headers": _redacted(state.headers.table()),
            "querystring": query_table(state.query, 100),
            "size": len(state.request.body),
        },
        "response": {
            "status": response.status,
            "headers": response.headers.table(),
            "size": 0,
        },
        "tries": [{"ip": "127.0.0.1", "port": 80, "balancer_latency": 0}] if proxied else [],
        **state.log_values,
    }
    if state.consumer is not None:
        entry["consumer"] = dict(state.consumer)
    if state.credential is not None:
        entry["authenticated_entity"] = dict(state.credential)
    return entry


def _redacted(headers: dict[str, object]) -> dict[str, object]:
    secret = headers.keys() & {"authorization", "proxy-authorization"}
    return {**headers, **dict.fromkeys(secret, "REDACTED")}
