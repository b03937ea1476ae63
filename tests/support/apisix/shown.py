"""Frames as the recordings show them: the keys of `decoded`, and how bytes become JSON."""

import hashlib

from support.apisix.flat import Unreadable
from support.apisix.messages import (
    FROM_APISIX,
    FROM_RUNNER,
    METHODS,
    Entries,
    Extra,
    Failure,
    Message,
    Prepare,
    Prepared,
    Question,
    RequestAnswer,
    RequestCall,
    ResponseAnswer,
    ResponseCall,
    Rewrite,
    Stop,
    Var,
    decode,
)

LONGEST = 3000
_START = 200
_INFO = ("NONE", "Var", "ReqBody", "RespBody")
_ACTIONS = ("NONE", "Stop", "Rewrite")


def shown(octets: bytes | None) -> object:
    """Return bytes as a recording has them."""
    if octets is None:
        return None
    if len(octets) > LONGEST:
        start = octets[:_START].decode("latin-1")
        digest = hashlib.sha256(octets).hexdigest()
        return {"cut": start, "len": len(octets), "sha256": digest}
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return {"latin1": octets.decode("latin-1")}


def decoded(sender: str, octets: bytes) -> dict[str, object]:
    """Return what a frame says; `sender` is apisix or runner."""
    kind = octets[0]
    message = (FROM_APISIX if sender == "apisix" else FROM_RUNNER).get(kind)
    if message is None:
        return {"type": kind}
    try:
        return told(decode(message, octets[4:]))
    except Unreadable:
        return {"type": kind, "undecodable": True}


def told(message: Message) -> dict[str, object]:
    """Return what a message says."""
    said: dict[str, object]
    match message:
        case Failure(code):
            said = {"type": "Err", "code": code}
        case Prepare(conf, key):
            said = {"type": "PrepareConf", "conf": _entries(conf), "key": shown(key)}
        case Prepared(token):
            said = {"type": "PrepareConf", "conf_token": token}
        case RequestCall():
            said = _request_call(message)
        case RequestAnswer():
            said = _request_answer(message)
        case Question():
            said = _question(message)
        case Extra(result):
            said = {"type": "ExtraInfo", "result": shown(result)}
        case ResponseCall() | ResponseAnswer():
            said = _response(message)
        case _:
            raise TypeError(message)
    return said


def _entries(entries: Entries) -> list[list[object]]:
    return [[shown(name), shown(value)] for name, value in entries]


def _request_call(call: RequestCall) -> dict[str, object]:
    return {
        "type": "HTTPReqCall",
        "id": call.id,
        "src_ip": (call.src_ip or b"").hex(),
        "method": call.method,
        "path": shown(call.path),
        "args": _entries(call.args),
        "headers": _entries(call.headers),
        "conf_token": call.conf_token,
        "method_name": METHODS[call.method],
    }


def _request_answer(answer: RequestAnswer) -> dict[str, object]:
    known = answer.action_type < len(_ACTIONS)
    action = _ACTIONS[answer.action_type] if known else answer.action_type
    content: dict[str, object] = {}
    match answer.action:
        case Stop(status, headers, body):
            said = {"status": status, "headers": _entries(headers), "body": shown(body)}
            content = {"stop": said}
        case Rewrite(path, headers, args, resp_headers, body):
            content = {
                "rewrite": {
                    "path": shown(path),
                    "headers": _entries(headers),
                    "args": _entries(args),
                    "resp_headers": _entries(resp_headers),
                    "body": shown(body),
                }
            }
    return {"type": "HTTPReqCall", "id": answer.id, "action": action, **content}


def _question(question: Question) -> dict[str, object]:
    known = question.info_type < len(_INFO)
    info = _INFO[question.info_type] if known else question.info_type
    asked: dict[str, object] = {"type": "ExtraInfo", "info_type": info}
    return asked | ({"name": shown(question.info.name)} if isinstance(question.info, Var) else {})


def _response(message: ResponseCall | ResponseAnswer) -> dict[str, object]:
    said: dict[str, object] = {
        "type": "HTTPRespCall",
        "id": message.id,
        "status": message.status,
        "headers": _entries(message.headers),
    }
    if isinstance(message, ResponseCall):
        return {**said, "conf_token": message.conf_token}
    return {**said, "body": shown(message.body)}
