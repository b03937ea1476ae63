"""Whatever arrives, the Gate answers by its table, has no fault, and allows nothing by accident."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gatepass.plugin import Gate, Request
from gatepass.plugin.request import BodyState
from support.gates import CHAT, ann, chat_body, open_gate
from support.soak import examples

NAMES = st.one_of(
    st.sampled_from(
        [
            *(b"authorization", b"Authorization", b"x-gatepass-team", b"X_Gatepass_User"),
            *(b"connection", b"content-type", b"content-encoding", b"x-http-method", b"", b"\xff"),
        ]
    ),
    st.binary(max_size=12),
)
VALUES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"application/json", b"close, x-gatepass-role", b"gzip", b"Bearer x.y.z"]),
    st.binary(max_size=3).map(lambda octets: b"Bearer " + ann() + octets),
    st.integers(0, 200).map(lambda cut: b"Bearer " + ann()[:cut]),
)
TARGETS = st.one_of(
    st.just(CHAT),
    st.binary(max_size=30).map(lambda octets: b"/" + octets),
    st.binary(max_size=5).map(lambda octets: CHAT + octets),
)
BODIES = st.one_of(
    st.sampled_from([*BodyState, chat_body()]),
    st.binary(max_size=40),
    st.dictionaries(
        st.sampled_from(["model", "n", "prompt", "max_tokens", "api_base", "Model"]),
        st.one_of(st.none(), st.integers(), st.text(max_size=5), st.booleans(), st.floats()),
    ).map(lambda members: chat_body(**members)),
)
REQUESTS = st.builds(
    Request,
    method=st.one_of(st.sampled_from(["GET", "POST", "DELETE"]), st.text(max_size=5)),
    target=TARGETS,
    headers=st.lists(st.tuples(NAMES, VALUES), max_size=5),
    body=BODIES,
    profile=st.sampled_from(["default", "default", "default", ""]),
    can_remove_headers=st.booleans(),
    gateway_request_id=st.one_of(st.none(), st.text(max_size=5)),
)


class Opened:
    """A Gate on an event loop of its own, which stands still between the examples."""

    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        budget = {"users": {"upsert": True, "defaults": {"budget": "$1000000"}}}
        context = open_gate(folder, **budget)
        self.gate: Gate = self._runner.run(self._stack.enter_async_context(context))

    def close(self) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()

    def codes(self, request: Request) -> list[str]:
        async def decide() -> list[str]:
            warm = self.gate.decide_warm(request)
            cold = await self.gate.decide(request)
            again = self.gate.decide_warm(request)
            return [
                decision.reason.code for decision in (warm, cold, again) if decision is not None
            ]

        return self._runner.run(decide())


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    one = Opened(tmp_path_factory.mktemp("fuzz"))
    yield one
    one.close()


@settings(max_examples=examples(400), suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(request_=Request("POST", CHAT, [(b"authorization", b"Bearer " + ann())], body=chat_body()))
@given(request_=REQUESTS)
def test_sec_18_nothing_is_a_fault_and_nothing_passes_by_accident(
    opened: Opened, request_: Request
) -> None:
    codes = opened.codes(request_)
    assert len(set(codes)) == 1
    assert opened.gate.faults == 0
    assert codes[0] != "internal_error"
    if codes[0] == "allowed":
        bearer = b"bearer " + ann()
        tokens = [value for name, value in request_.headers if name.lower() == b"authorization"]
        assert [value[:7].lower() + value[7:] for value in tokens] == [bearer]
        assert request_.target.partition(b"?")[0] in {CHAT, b"/v1/models"}
