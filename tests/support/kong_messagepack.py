"""Kong's side of its older protocol, without a socket."""

from collections.abc import Mapping
from typing import Any

import msgpack

from gatepass.plugin.gateways.kong.events import Events
from gatepass.plugin.gateways.kong.messagepack import MessagePackConnection
from gatepass.plugin.reasons import Reason
from support.kong_events import Wire, reason_in
from support.kong_wire import DEFAULT

END = b"ret"
KONG: Mapping[str, object] = {
    "kong.request.get_headers": {"host": ["h"], "x-bad": [b"\xff\xfe"], "x_user": ["1", "2"]},
    "kong.request.get_method": "GET",
    "kong.request.get_path_with_query": "/v1/models",
    "kong.request.get_path": "/v1/models",
    "kong.nginx.get_var": "r-1",
    "kong.client.get_forwarded_ip": "192.0.2.7",
    "kong.request.get_raw_body": b"{}",
}
HEAD = list(KONG)[:6]

Said = dict[bytes, Any]
"""A result; `{b"error": ...}` in place of an error, and nothing while nothing was said."""


class Line:
    """One of Kong's connections; strings go out as older Kongs send them."""

    def __init__(self, events: Events) -> None:
        self.events = events
        self.wire = Wire()
        self.connection = MessagePackConnection(events)
        self.connection.connection_made(self.wire)
        self._number = 0

    def heard(self) -> Said:
        """Return the one response that came."""
        written = self.wire.taken()
        if not written:
            return {}
        kind, number, error, result = msgpack.unpackb(written, raw=True, strict_map_key=False)
        assert (kind, number) == (1, self._number)
        return {b"error": error} if error else Said(result)

    def call(self, method: str, *params: object) -> Said:
        self._number += 1
        message = [0, self._number, method, list(params)]
        self.connection.data_received(msgpack.packb(message, use_bin_type=False))
        return self.heard()

    def begin(self, phase: object = "access", instance: object = DEFAULT) -> Said:
        return self.call("plugin.HandleEvent", {"InstanceId": instance, "EventName": phase})

    def step(self, event_id: object, value: object) -> Said:
        data = {} if value is None else {"Data": value}
        return self.call("plugin.Step", {"EventId": event_id, **data})

    def told_the_head(self) -> tuple[Said, int]:
        """Begin an event and answer all that is asked before the body."""
        said = self.begin()
        event_id = said[b"EventId"]
        for function in HEAD:
            said = self.step(event_id, KONG[function])
        return said, event_id

    def play(self, said: Said, kong: Mapping[str, object] = KONG) -> tuple[object, list[str]]:
        """Run functions as Kong does, up to the end of the event or to an exit."""
        ran: list[str] = []
        while isinstance(said[b"Data"], dict):
            ran.append(said[b"Data"][b"Method"].decode())
            if ran[-1] == "kong.response.exit":
                break
            said = self.step(said[b"EventId"], kong.get(ran[-1]))
        return said[b"Data"], ran


def refused(data: object) -> Reason:
    """Return why an exit was told."""
    assert isinstance(data, dict)
    assert data[b"Method"] == b"kong.response.exit"
    status, body, _ = data[b"Args"]
    return reason_in(status, body)
