"""Whatever goes wrong between APISIX and us: never a request upstream that nobody decided on."""

import os
import socket
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from support.apisix.request import GATEPASS, Route
from support.apisix.results import Proxied
from support.apisix.worker import ApisixWorker
from support.apisix_door import ApisixService, running_apisix_server
from support.apisix_requests import (
    chat_request,
    check_decided,
    code_of,
    request,
    route,
    scripted_apisix,
    two_profiles,
)
from support.books import reserved
from support.gateway_table import chat
from support.kong.results import UpstreamReply
from support.kong_door import ScriptedGate
from support.kong_requests import REFUSALS


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ApisixService]:
    with two_profiles(tmp_path) as running:
        yield running


@pytest.fixture
def gate() -> ScriptedGate:
    return ScriptedGate()


@pytest.fixture
def scripted(tmp_path: Path, gate: ScriptedGate) -> Iterator[ApisixWorker]:
    with scripted_apisix(tmp_path, gate) as worker:
        yield worker


# -- answers -----------------------------------------------------------------------------------


def test_sec_64_every_refusal_arrives_as_it_was_said(
    scripted: ApisixWorker, gate: ScriptedGate
) -> None:
    for reason in REFUSALS:
        if reason is Reason.BODY_NOT_SHOWN:
            continue  # the door reads the body, and asks again
        gate.answer = refusal = refuse_for(reason, 17)
        exchange = scripted.handle(request())
        answer = exchange.answered
        assert answer.from_runner
        assert (answer.status, answer.body) == (reason.status, refusal.body)
        assert answer.values("cache-control") == ["no-store"]
        for name, value in refusal.response_headers:
            assert answer.values(name.decode()) == [value.decode()]
        assert exchange.upstream_requests == []


def test_0e_the_first_request_after_a_start_is_judged_like_any_other(
    service: ApisixService,
) -> None:
    """Its id is 0, which the official runner takes for no request."""
    with ApisixWorker(service.socket) as worker:
        for _ in range(3):
            refused = worker.handle(chat_request(chat()))
            assert (refused.answered.status, code_of(refused)) == (401, "no_token")
            worker.restart()
            assert check_decided(worker.handle(request()))
            worker.restart()


def test_sec_41_a_decision_that_never_comes_is_503(
    scripted: ApisixWorker, gate: ScriptedGate
) -> None:
    gate.answer = None
    exchange = scripted.handle(request())
    assert (exchange.answered.status, code_of(exchange)) == (503, "deadline")


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("allow_degradation", [True, False])
def test_0a_a_decision_that_fails_is_503(
    scripted: ApisixWorker, gate: ScriptedGate, *, warm: bool, allow_degradation: bool
) -> None:
    """With a Stop of ours, which no setting of APISIX's turns into a yes."""
    gate.answer, gate.warm = LookupError(), warm
    exchange = scripted.handle(request(), route=Route(allow_degradation=allow_degradation))
    assert (exchange.answered.status, code_of(exchange)) == (503, "internal_error")
    gate.answer = None


def test_a_response_goes_on_as_it_came(service: ApisixService) -> None:
    """APISIX sends the upstream's body whatever is said, so that a refusal would only spoil it."""
    came = UpstreamReply(418, (("Content-Type", "text/x-tea"), ("X-Up", "one")), b"short, stout")
    with ApisixWorker(service.socket, Route(post_resp=GATEPASS)) as worker:
        exchange = worker.handle(request(), lambda _request: came)
        assert check_decided(exchange)
    response = exchange.response
    assert (response.status, response.body) == (418, b"short, stout")
    assert (response.values("content-type"), response.values("x-up")) == (["text/x-tea"], ["one"])


def test_behind_apisixs_own_checks_the_guard_works_unless_the_path_was_rewritten(
    service: ApisixService,
) -> None:
    after = Route(pre_req=None, post_req=GATEPASS)
    rewritten = Route("r", pre_req=None, post_req=GATEPASS, proxy_rewrite="/v1/other")
    with ApisixWorker(service.socket) as worker:
        assert check_decided(worker.handle(request(), route=after))
        exchange = worker.handle(request(), route=rewritten)
        assert (exchange.answered.status, code_of(exchange)) == (400, "ambiguous_path")


# -- runners that are not there ----------------------------------------------------------------


def check_degradation(path: Path, seconds: float = 60.0) -> None:
    """Without a runner a request fails, and passes where the route says so: docs name it."""
    for allow_degradation in (False, True):
        with ApisixWorker(
            path, allow_degradation=allow_degradation, read_timeout=seconds
        ) as worker:
            exchange = worker.handle(request())
        if allow_degradation:
            assert isinstance(exchange.result, Proxied)
            assert not exchange.result.is_decided
        else:
            assert exchange.answered.status == 503


def test_sec_41_a_dead_runner_lets_nothing_through_but_with_degradation(
    tmp_path: Path, gate: ScriptedGate
) -> None:
    path = tmp_path / "apisix.sock"
    check_degradation(path)
    with running_apisix_server(gate, ApisixDoor(path)), ApisixWorker(path) as worker:
        assert isinstance(worker.handle(request()).result, Proxied)
    check_degradation(path)


def test_sec_41_a_hanging_runner_lets_nothing_through_but_with_degradation(tmp_path: Path) -> None:
    path = tmp_path / "apisix.sock"
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(path))
        hanging.listen()
        check_degradation(path, 0.05)


def test_0h_the_runner_makes_no_file_and_changes_no_mode(
    tmp_path: Path, gate: ScriptedGate
) -> None:
    """APISIX starts it with umask 0: what there is to protect is its socket, which others make."""
    path = tmp_path / "apisix.sock"
    mask = os.umask(0)
    try:
        with running_apisix_server(gate, ApisixDoor(path)), ApisixWorker(path) as worker:
            path.chmod(0o600)
            assert isinstance(worker.handle(request()).result, Proxied)
            assert list(tmp_path.iterdir()) == [path]
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(mask)


# -- many at once ------------------------------------------------------------------------------


def test_sec_41_two_hundred_at_once_each_get_their_own_answer(service: ApisixService) -> None:
    worker = ApisixWorker(service.socket, transcript=False)

    def ask(number: int) -> str | None:
        kind, who = number % 4, f"user-{number % 7}"
        if kind == 0:
            assert worker.handle(request(who), route=route("other")).answered.status == 403
        elif kind == 1:
            refused = worker.handle(chat_request(chat(), ("Authorization", "Bearer x.y.z")))
            assert refused.answered.status == 401
        elif kind == 2:
            refused = worker.handle(request(who, model="unheard-of"))
            assert code_of(refused) == "price_unknown"
        else:
            return check_decided(worker.handle(request(who)), who)
        return None

    with ThreadPoolExecutor(20) as clients:
        asking = [clients.submit(ask, number) for number in range(200)]
        ids = [one.result() for one in asking]
    worker.close()
    passed = [request_id for request_id in ids if request_id is not None]
    assert len(passed) == len(set(passed)) == 50
    assert set(passed) == set(reserved(service.gate))
