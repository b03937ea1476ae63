"""One call to the runner: the question, what the runner asks back, the answer.

Whatever goes wrong closes the connection. A frame that cannot be read is an error of APISIX's own
(500); everything else that is no answer is a failed call (503, or through with degradation). An
answer of the right type is believed whatever its number and whatever it says.
"""

from collections.abc import Callable
from typing import TypeVar

from support.apisix.connection import Connection
from support.apisix.errors import CallFailed, LuaError, TokenRefused
from support.apisix.flat import Unreadable
from support.apisix.messages import (
    ERROR,
    EXTRA,
    FROM_APISIX,
    FROM_RUNNER,
    TOKEN_NOT_FOUND,
    AnyMessage,
    Extra,
    Failure,
    Message,
    Question,
    RequestBody,
    ResponseBody,
    Var,
    decode,
    encode,
)
from support.apisix.state import RequestState
from support.apisix.variables import variable
from support.kong.results import UpstreamReply

Answer = TypeVar("Answer", bound=Message)
Ask = Callable[[Question], bytes | None]


def ask(connection: Connection, call: Message, expected: type[Answer], questions: Ask) -> Answer:
    """Make a call. Raises TokenRefused, CallFailed or LuaError."""
    _send(connection, call)
    while True:
        kind, payload = connection.receive()
        if kind == ERROR:
            code = _decoded(Failure, payload).code
            if code == TOKEN_NOT_FOUND:
                raise TokenRefused("conf token not found")
            raise CallFailed(f"failed with code {code}")
        if FROM_RUNNER.get(kind) is expected:
            return _decoded(expected, payload)
        if kind != EXTRA or questions is no_questions:
            raise CallFailed(f"unexpected type {kind}")
        _send(connection, Extra(questions(_decoded(Question, payload))))


def no_questions(_question: Question) -> bytes | None:
    """Answer nothing: PrepareConf allows no questions."""
    raise CallFailed("unexpected question")


def request_questions(state: RequestState, reply: UpstreamReply | None = None) -> Ask:
    """Return what answers the questions of a call; the reply is there in post-resp only."""

    def answer(question: Question) -> bytes | None:
        match question.info:
            case Var(name):
                return variable(state, name or b"")
            case RequestBody():
                return state.read_body()
            case ResponseBody():
                return None if reply is None else reply.body
        raise CallFailed(f"unsupported info type {question.info_type}")

    return answer


def _send(connection: Connection, message: Message) -> None:
    kinds = (kind for kind, each in FROM_APISIX.items() if each is type(message))
    connection.send(next(kinds), encode(message))


def _decoded(kind: type[AnyMessage], payload: bytes) -> AnyMessage:
    try:
        return decode(kind, payload)
    except Unreadable as error:
        raise LuaError("attempt to compare nil with number") from error
