"""One request of the tour: asked through the gateway, watched at the upstream, compared.

What was seen counts, not what was meant: whether a refused request really stayed outside is asked
of the upstream itself. Of the headers that reached it, those count that could tell it who calls:
all of ours, in any spelling, and the token.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from gatepass.plugin.demo.settings import MODEL
from gatepass.plugin.demo.upstream import SEEN_PATH
from gatepass.plugin.headers import REQUEST_ID, fold_name

CHAT = "/v1/chat/completions"

_OURS = b"x-gatepass-"
_CREDENTIALS = frozenset({b"authorization", b"cookie", b"x-api-key"})


@dataclass(frozen=True, slots=True)
class Call:
    """What the client sends; a call without a model has no body."""

    token: str | None = None
    method: str = "POST"
    path: str = CHAT
    model: str | None = MODEL
    max_tokens: int = 50
    headers: Sequence[tuple[str, str]] = ()

    def body(self) -> bytes:
        """Return the bytes of the request's body."""
        if self.model is None:
            return b""
        messages = [{"role": "user", "content": "Say hello."}]
        return json.dumps(
            {"model": self.model, "max_tokens": self.max_tokens, "messages": messages}
        ).encode()

    def __str__(self) -> str:
        return " ".join(filter(None, (self.method, self.path, self.model)))


@dataclass(frozen=True, slots=True)
class Expected:
    """What should come of a call; `upstream` None means that the upstream must not see it."""

    status: int
    code: str | None = None
    upstream: Mapping[str, str] | None = None
    answer_headers: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """What came of a call; `upstream` holds the telling headers of each request that arrived."""

    status: int
    code: str | None
    headers: httpx.Headers
    upstream: Sequence[Sequence[tuple[str, str]]]
    milliseconds: float


class Client:
    """A client of the gateway that can also ask the upstream what it saw."""

    def __init__(self, gateway: str, upstream: str, http: httpx.Client) -> None:
        self._gateway = gateway
        self._upstream = upstream
        self._http = http

    def ask(self, call: Call) -> Observed:
        """Send the call through the gateway, and return the answer with the upstream's view."""
        self._seen()
        headers = list(call.headers)
        if call.token is not None:
            headers.append(("Authorization", f"Bearer {call.token}"))
        if call.model is not None:
            headers.append(("Content-Type", "application/json"))
        started = time.perf_counter()
        response = self._http.request(
            call.method, self._gateway + call.path, headers=headers, content=call.body()
        )
        milliseconds = (time.perf_counter() - started) * 1000
        return Observed(
            status=response.status_code,
            code=_error_code(response),
            headers=response.headers,
            upstream=self._seen(),
            milliseconds=milliseconds,
        )

    def _seen(self) -> list[list[tuple[str, str]]]:
        """Return, and make the upstream forget, the requests that reached it."""
        requests = self._http.get(self._upstream + SEEN_PATH).raise_for_status().json()["requests"]
        return [
            [(str(name), str(value)) for name, value in request["headers"] if _tells(str(name))]
            for request in requests
        ]


def _tells(name: str) -> bool:
    """Answer whether a header says who calls; the id of the call is another one each time."""
    folded = fold_name(name.encode())
    return (folded.startswith(_OURS) and folded != REQUEST_ID) or folded in _CREDENTIALS


def _error_code(response: httpx.Response) -> str | None:
    """Return the code of an error body in OpenAI's shape, or None when it is none."""
    try:
        document: object = response.json()
    except ValueError:
        return None
    error = document.get("error") if isinstance(document, dict) else None
    return str(error["code"]) if isinstance(error, dict) and "code" in error else None


def differences(observed: Observed, expected: Expected) -> list[str]:
    """Return what differed, one sentence each; an empty list means that all was as it should be."""
    found = []
    if (observed.status, observed.code) != (expected.status, expected.code):
        found.append(
            f"answered {observed.status} {observed.code or ''}".rstrip()
            + f" instead of {expected.status} {expected.code or ''}".rstrip()
        )
    found += [
        f"the answer has no {name} header"
        for name in expected.answer_headers
        if name not in observed.headers
    ]
    if expected.upstream is None:
        if observed.upstream:
            found.append("the request reached the upstream")
    elif len(observed.upstream) != 1:
        found.append(f"the upstream saw {len(observed.upstream)} requests instead of one")
    elif sorted(observed.upstream[0]) != sorted(expected.upstream.items()):
        found.append(
            f"the upstream saw {in_words(observed.upstream[0])}"
            f" instead of {in_words(list(expected.upstream.items()))}"
        )
    return found


def in_words(headers: Sequence[tuple[str, str]]) -> str:
    """Return headers as one line, without the values of credentials."""
    return ", ".join(
        name if fold_name(name.encode()) in _CREDENTIALS else f"{name}: {value}"
        for name, value in headers
    )
