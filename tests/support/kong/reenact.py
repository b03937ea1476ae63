"""Have a KongWorker go through a recording again, against a server that says what was recorded.

What happened before the file began (an instance was started, its configuration known) is made up;
what happens in it is what the recording shows, in the same order, or the script says otherwise.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from support.kong.conversation import Request, calls, requests
from support.kong.implied import client_request, entity, route, upstream_reply
from support.kong.recordings import load
from support.kong.replay import Script, play_msgpack, play_protobuf
from support.kong.request import KongSettings, PluginEntity
from support.kong.results import Shared, UpstreamReply
from support.kong.scripted import Peer, scripted_server
from support.kong.worker import Exchange, KongWorker, Protocol
from support.raw_http import RawRequest

SLOW = "26-plugin-too-slow"
OVERLAPPING = "12-twenty-concurrent"
"""Its requests are sent one after the other here, so that their calls have other numbers."""
_PORT = 18300
_PROTOCOLS: dict[str, Protocol] = {"protobuf": "ProtoBuf:1", "msgpack": "MsgPack:1"}


@dataclass
class Reenactment:
    """What the simulator did, request by request."""

    script: Script
    requests: list[Request]
    exchanges: list[Exchange] = field(default_factory=list)


def reenact(protocol: str, name: str, folder: Path, target: bytes = b"/pp/x") -> Reenactment:
    """Go through a recording; `target` is asked for where the recording does not tell."""
    found = requests(calls(load(protocol, name)))
    result = Reenactment(Script(), found)
    script, entities = result.script, _entities(found)
    script.counts = name != OVERLAPPING

    def serve(peer: Peer) -> None:
        (play_protobuf if protocol == "protobuf" else play_msgpack)(script, peer)

    with scripted_server(folder / "socket", serve):
        worker = KongWorker(
            folder / "socket",
            protocol=_PROTOCOLS[protocol],
            read_timeout=0.05 if name == SLOW else 10.0,
        )
        worker.sequence = _first_sequence(found)
        for request in found:
            if _begins_a_worker(request):
                worker.reload()
                script.shift = None
            worker.sequence = _sequence(request) or worker.sequence
            script.expect(request)
            result.exchanges.append(_through(worker, script, request, target, entities))
            script.wait()
        worker.close()
    return result


def _through(
    worker: KongWorker,
    script: Script,
    request: Request,
    target: bytes,
    entities: dict[int, PluginEntity],
) -> Exchange:
    client = client_request(request, target)
    worker.settings = KongSettings(route=route(request, client.origin_form), port=_PORT)
    reply, noted = upstream_reply(request)

    def upstream(_request: RawRequest, shared: Shared) -> UpstreamReply:
        shared |= noted
        return reply

    started = request.last("start")
    if started is not None:
        plugin = entity(started.config)
    else:
        instance = next(call.instance for call in request.calls if call.instance is not None)
        plugin = entities.get(instance, PluginEntity("cappb", id=f"recorded-{instance}"))
    _remember(worker, script, request, plugin)
    if request.last("log") is not None or request.last("access") is None:
        return worker.handle(client, upstream, plugin)
    return worker.access(client, plugin)


def _remember(worker: KongWorker, script: Script, request: Request, plugin: PluginEntity) -> None:
    """Give the worker the instance that it had before the file began, if the request shows one."""
    closed = request.last("close")
    first = closed if request.calls[0].kind == "start" else request.calls[0]
    if first is None or first.instance is None or first.instance in script.started:
        return
    sequence = worker.sequence - (1 if first is closed else 0)
    script.before.append(first.instance)
    worker._instances.number_of(plugin, sequence)
    script.shift = None


def _entities(found: list[Request]) -> dict[int, PluginEntity]:
    """Return whose instance each id is, as far as the file tells."""
    return {
        call.instance: entity(started.config)
        for request in found
        if (started := request.last("start")) is not None
        for call in request.calls
        if call.instance is not None
    }


def _sequence(request: Request) -> int | None:
    """Return the __seq__ of the configuration that a request started."""
    started = request.last("start")
    if started is None:
        return None
    number: int = json.loads(started.config)["__seq__"]
    return number


def _first_sequence(found: list[Request]) -> int:
    """Return the __seq__ before the file: another one if its first start was due to a new one."""
    for request in found:
        number = _sequence(request)
        if number is not None:
            return number - 1 if request.calls[0].kind == "start" else number
    return 1


def _begins_a_worker(request: Request) -> bool:
    head = request.calls[0].head.decoded
    return request.calls[0].kind == "start" and (head.get("sequence"), head.get("msgid")) in {
        (2, None),
        (None, 1),
    }
