"""APISIX's side of a call without a socket, and the other things that a call needs.

Frames are written and read by the simulator's messages, never by the runner's own codec.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gatepass.plugin.decision import Decision
from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
from gatepass.plugin.gateways.apisix.calls import Calls
from gatepass.plugin.gateways.apisix.connection import ApisixConnection
from gatepass.plugin.gateways.apisix.questions import (
    Conversation,
    Ending,
    RequestBody,
    ResponseBody,
    Variable,
)
from gatepass.plugin.gateways.apisix.tokens import ConfTokens, conf_token
from gatepass.plugin.gateways.bookkeeper import Bookkeeper
from gatepass.plugin.gateways.decider import Decider, Judge
from gatepass.plugin.headers import Header
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import Request
from support.apisix.messages import (
    ERROR,
    EXTRA,
    FROM_RUNNER,
    METHODS,
    PREPARE,
    REQUEST,
    RESPONSE,
    Entry,
    Extra,
    Failure,
    Message,
    Prepare,
    Question,
    RequestAnswer,
    RequestCall,
    ResponseAnswer,
    ResponseCall,
    Rewrite,
    Stop,
    Var,
    decode,
    encode,
    frame,
)
from support.doors import ScriptedDecider
from support.kong_events import Books, Wire, reason_in

DOOR = ApisixDoor()
TARGET = b"/v1/chat/completions"
HEADERS: Sequence[Header] = (
    (b"host", b"llm.corp.example"),
    (b"authorization", b"Bearer " + b"e" * 300),
    (b"content-length", b"19"),
)
DEFAULT = conf_token("default")


def call(  # noqa: PLR0913 - the fields of a call
    headers: Sequence[Entry] = HEADERS,
    *,
    number: int = 0,
    method: str = "POST",
    path: bytes = TARGET,
    source_ip: bytes | None = bytes((192, 0, 2, 7)),
    token: int = DEFAULT,
) -> bytes:
    """Return the frame of an HTTPReqCall."""
    index = METHODS.index(method)
    asked = RequestCall(number, source_ip, index, path, (), tuple(headers), token)
    return frame(REQUEST, encode(asked))


def response_call(
    status: int = 200, headers: Sequence[Entry] = (), *, number: int = 0, token: int = DEFAULT
) -> bytes:
    """Return the frame of an HTTPRespCall."""
    return frame(RESPONSE, encode(ResponseCall(number, status, tuple(headers), token)))


def prepare(text: bytes | None = b'{"profile":"default"}', name: bytes = b"gatepass") -> bytes:
    """Return the frame of a PrepareConf with one plugin."""
    return frame(PREPARE, encode(Prepare(((name, text),), b"route#v1#ext-plugin-pre-req#1")))


def extra(result: bytes | None) -> bytes:
    """Return the frame that answers a question."""
    return frame(EXTRA, encode(Extra(result)))


def frames_in(written: bytes) -> list[tuple[int, bytes]]:
    """Return the frames by type and payload; there is nothing behind the last one."""
    frames = []
    while written:
        end = 4 + int.from_bytes(written[1:4])
        assert len(written) >= end
        frames.append((written[0], written[4:end]))
        written = written[end:]
    return frames


def said_in(written: bytes) -> list[Message]:
    """Return what the runner said; it says nothing that APISIX cannot read."""
    return [decode(FROM_RUNNER[kind], payload) for kind, payload in frames_in(written)]


def lets_through(written: bytes) -> bool:
    """Tell whether any frame would make APISIX go on: a type-2 frame that holds no Stop.

    To a request the answer to a response is one of the wrong type, which is a failure.
    """
    return any(
        kind not in {ERROR, EXTRA, PREPARE, RESPONSE}
        and not isinstance(_action(kind, payload), Stop)
        for kind, payload in frames_in(written)
    )


def _action(kind: int, payload: bytes) -> Message | None:
    return decode(RequestAnswer, payload).action if kind == REQUEST else None


class Line:
    """One of APISIX's connections."""

    def __init__(self, calls: Calls) -> None:
        self.wire = Wire()
        self.connection = ApisixConnection(calls)
        self.connection.connection_made(self.wire)

    def say(self, *frames: bytes) -> list[Message]:
        """Send frames in one read and return what came back."""
        self.connection.data_received(b"".join(frames))
        return self.heard()

    def heard(self) -> list[Message]:
        return said_in(self.wire.taken())

    def ask(self, *answers: bytes | None, frame: bytes | None = None) -> list[Message]:
        """Make a call, answer its questions in turn, and return what is said last."""
        said = self.say(call() if frame is None else frame)
        for answer in answers:
            said = self.say(extra(answer))
        return said

    def lose(self) -> None:
        self.connection.connection_lost(None)


def new_calls(
    decider: Decider | None = None,
    books: Bookkeeper | None = None,
    door: ApisixDoor = DOOR,
    profiles: Collection[str] = ("default",),
) -> Calls:
    """Return the shared state of a runner; must be called in a running loop."""
    judge = Judge(decider or ScriptedDecider())
    return Calls(judge, books or Books(), door, ConfTokens(lambda: profiles))


def stop_in(said: Sequence[Message]) -> Stop:
    """Return the one Stop of the one thing that was said."""
    (answer,) = said
    assert isinstance(answer, RequestAnswer)
    assert isinstance(answer.action, Stop)
    assert answer.action.body
    return answer.action


def refused(said: Sequence[Message]) -> Reason:
    """Return why the one thing that was said refuses."""
    stop = stop_in(said)
    assert (b"cache-control", b"no-store") in stop.headers
    return reason_in(stop.status, stop.body or b"")


def rewrite_in(said: Sequence[Message]) -> Rewrite:
    """Return the Rewrite of the one thing that was said."""
    (answer,) = said
    assert isinstance(answer, RequestAnswer)
    assert isinstance(answer.action, Rewrite)
    return answer.action


def response_in(said: Sequence[Message]) -> ResponseAnswer:
    """Return the one thing that was said, which is about a response."""
    (answer,) = said
    assert isinstance(answer, ResponseAnswer)
    return answer


def code_in(said: Sequence[Message]) -> int:
    """Return the code of the one thing that was said, an error of APISIX's own."""
    (failure,) = said
    assert isinstance(failure, Failure)
    return failure.code


def asked_in(said: Sequence[Message]) -> bytes | None:
    """Return the variable that was asked for, None for the body; there is one question."""
    (question,) = said
    assert isinstance(question, Question)
    return question.info.name if isinstance(question.info, Var) else None


@dataclass(frozen=True)
class Told:
    """What APISIX answers to each question."""

    target: bytes | None = TARGET
    body: object = b"{}"
    protocol: bytes | None = b"HTTP/1.1"

    def answer(self, question: Variable | RequestBody) -> object:
        if isinstance(question, RequestBody):
            return self.body
        answers: Mapping[bytes, object] = {
            b"real_request_uri": self.target,
            b"server_protocol": self.protocol,
        }
        return answers[question.name]


async def play(conversation: Conversation, told: Told) -> tuple[Ending, list[str]]:
    """Play a call to its end; return how it ends and what was asked for, `body` for the body."""
    asked: list[str] = []
    value: object = None
    while True:
        try:
            step = conversation.send(value)
        except StopIteration as ended:
            ending: Ending = ended.value
            return ending, asked
        assert not isinstance(step, ResponseBody)
        if isinstance(step, Variable | RequestBody):
            asked.append(step.name.decode() if isinstance(step, Variable) else "body")
            value = told.answer(step)
        else:
            value = await step


class ToldLater(ScriptedDecider):
    """Answers each request when it is told to."""

    def __init__(self) -> None:
        super().__init__(warm=False)
        self.waiting: list[asyncio.Future[Decision]] = []

    async def decide(self, request: Request) -> Decision:
        self.requests.append(request)
        future: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        return await future
