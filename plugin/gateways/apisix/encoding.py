"""A question, and a call's end, as the frame that says it.

The answer to an allowed request differs from the last one to the same caller by its id and by the
request's id alone; so it is written once, with both left blank, and filled in from then on.
"""

from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING

from gatepass.plugin.gateways.apisix.messages import (
    answered,
    question_for_body,
    question_for_response_body,
    question_for_variable,
    response_answered,
    rewrite,
    stop,
)
from gatepass.plugin.gateways.apisix.names import REQUEST_ID
from gatepass.plugin.gateways.apisix.questions import (
    AsItCame,
    Question,
    RequestBody,
    Rewrite,
    Stop,
    Variable,
)

if TYPE_CHECKING:
    from gatepass.plugin.gateways.apisix.flatbuffers import Entry
    from gatepass.plugin.headers import Header

_ID = Struct("<I").pack
_BLANK_ID = 0x2A5F3C91
_BLANK = b"\xff"
"""What stands for the ids until they are known, and nowhere else: headers of ours are ASCII."""


_BODY_QUESTION = question_for_body()
_RESPONSE_BODY_QUESTION = question_for_response_body()


def encode_question(question: Question) -> bytes:
    """Return the frame that asks."""
    if isinstance(question, Variable):
        return question_for_variable(question.name)
    return _BODY_QUESTION if isinstance(question, RequestBody) else _RESPONSE_BODY_QUESTION


def encode_stop(call_id: int, ending: Stop) -> bytes:
    """Return the frame that answers the client."""
    return _stop_frame(ending).replace(_ID(_BLANK_ID), _ID(call_id), 1)


def encode_rewrite(call_id: int, ending: Rewrite) -> bytes:
    """Return the frame that lets the request through."""
    request_id = ending.request_id.encode()
    before, between, after = _rewrite_frame(ending.removed, ending.headers, len(request_id))
    return b"".join((before, _ID(call_id), between, request_id, after))


def encode_as_it_came(call_id: int, ending: AsItCame) -> bytes:
    """Return the frame that passes a response on."""
    return response_answered(call_id, ending.status, ending.headers, ending.body)


@lru_cache(maxsize=256)
def _stop_frame(ending: Stop) -> bytes:
    headers: list[Entry] = list(ending.headers)
    return answered(_BLANK_ID, stop(ending.status, headers, ending.body), stops=True)


@lru_cache(maxsize=4096)
def _rewrite_frame(
    removed: tuple[bytes, ...], headers: "tuple[Header, ...]", id_length: int
) -> tuple[bytes, bytes, bytes]:
    """Return what stands before the call's id, between it and the request's, and behind that."""
    blank = _BLANK * id_length
    entries: list[Entry] = [(name, None) for name in removed]
    entries += [*headers, (REQUEST_ID, blank)]
    frame = answered(_BLANK_ID, rewrite(entries), stops=False)
    before, _, rest = frame.partition(_ID(_BLANK_ID))  # the first table's first field
    between, _, after = rest.rpartition(blank)
    return before, between, after
