"""Configurations and their tokens: each reaches its own profile, over every change and restart."""

import logging
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
from gatepass.plugin.gateways.apisix.tokens import conf_token
from support.apisix.request import GATEPASS, Route
from support.apisix.results import Proxied
from support.apisix.worker import ApisixWorker
from support.apisix_door import ApisixService, running_apisix_server
from support.apisix_requests import (
    check_decided,
    code_of,
    prepared,
    request,
    route,
    scripted_apisix,
    two_profiles,
)
from support.kong_door import ScriptedGate


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ApisixService]:
    with two_profiles(tmp_path) as running:
        yield running


@pytest.fixture
def gate() -> ScriptedGate:
    return ScriptedGate()


def move(worker: ApisixWorker, path: Path) -> None:
    """Let APISIX find another runner at its socket; it keeps the tokens that it has."""
    worker._caller._pool._path = str(path)
    worker.close()


def test_sec_39_a_configuration_reaches_its_own_profile_and_no_other(
    service: ApisixService,
) -> None:
    with ApisixWorker(service.socket) as worker:
        for version in range(1, 4):
            for _ in range(2):
                assert check_decided(worker.handle(request(), route=route("default")))
                refused = worker.handle(request(), route=route("other"))
                assert (refused.answered.status, code_of(refused)) == (403, "route_denied")
            assert prepared(worker) == 2 * version
            worker.post_config()


@pytest.mark.parametrize(
    "conf",
    [
        (("gatepass", '{"profile":"missing"}'),),
        (("gatepass", "{}"),),
        (("gatepass", '{"profile":"default","profile":"other"}'),),
        (("Gatepass", '{"profile":"default"}'),),
        (*GATEPASS, ("other", "{}")),
        (*GATEPASS, *GATEPASS),
    ],
)
def test_sec_39_a_bad_configuration_is_refused_when_it_is_prepared_and_said_once(
    service: ApisixService,
    conf: tuple[tuple[str, str], ...],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        caplog.at_level(logging.ERROR),
        ApisixWorker(service.socket, Route(pre_req=conf)) as worker,
    ):
        for _ in range(3):
            exchange = worker.handle(request())
            assert exchange.answered.status == 503
            assert not exchange.answered.from_runner
        assert prepared(worker) == 3
        assert worker.tokens == {}
    (record,) = caplog.records
    assert record.name == "gatepass.gateways.apisix"
    assert record.getMessage().endswith("; the requests of its route fail")
    assert service.asked.requests == []


def test_sec_49_two_profiles_with_one_token_reach_nobody(
    tmp_path: Path, gate: ScriptedGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "profiles", lambda: ("p964", "p3959"))
    with scripted_apisix(tmp_path, gate) as worker:
        for name in ("p964", "p3959"):
            assert worker.handle(request(), route=route(name)).answered.status == 503
    assert gate.requests == []


def test_a_profile_that_a_reload_brings_is_prepared_at_the_next_request(
    tmp_path: Path, gate: ScriptedGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = ["default"]

    def profiles() -> Collection[str]:
        return names

    monkeypatch.setattr(gate, "profiles", profiles)
    with scripted_apisix(tmp_path, gate) as worker:
        assert worker.handle(request(), route=route("later")).answered.status == 503
        names.append("later")
        assert isinstance(worker.handle(request(), route=route("later")).result, Proxied)
    assert [asked.profile for asked in gate.requests] == ["later"]


def test_sec_41_tokens_from_before_a_restart_still_mean_what_they_meant(
    service: ApisixService, tmp_path: Path
) -> None:
    with ApisixWorker(service.socket) as worker:
        assert check_decided(worker.handle(request(), route=route("default")))
        assert worker.handle(request(), route=route("other")).answered.status == 403
        asked = prepared(worker)
        door = ApisixDoor(tmp_path / "second.sock")
        with running_apisix_server(service.asked, door):
            assert door.socket is not None
            move(worker, door.socket)
            assert worker.handle(request(), route=route("other")).answered.status == 403
            assert check_decided(worker.handle(request(), route=route("default")))
            assert prepared(worker) == asked
            worker.close()


def test_sec_41_a_token_that_a_runner_never_gave_is_prepared_anew(service: ApisixService) -> None:
    with ApisixWorker(service.socket) as worker:
        for stale in (0, 1, conf_token("nobody"), 2**32 - 1):
            worker.tokens[worker.key(worker.route, "pre-req")] = stale
            assert check_decided(worker.handle(request()))
            assert set(worker.tokens.values()) == {conf_token("default")}
        assert prepared(worker) == 4


def test_sec_39_a_profile_that_went_with_a_restart_is_refused(
    service: ApisixService, tmp_path: Path, gate: ScriptedGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ApisixWorker(service.socket) as worker:
        worker.handle(request(), route=route("other"))
        monkeypatch.setattr(gate, "profiles", lambda: ("default",))
        door = ApisixDoor(tmp_path / "second.sock")
        with running_apisix_server(gate, door):
            assert door.socket is not None
            move(worker, door.socket)
            assert worker.handle(request(), route=route("other")).answered.status == 503
            worker.close()
    assert gate.requests == []
