"""Where the runner for APISIX listens, and how long it may take to end."""

import time
from pathlib import Path

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.commands.doors import LISTEN_ADDRESS, Only, open_doors
from gatepass.plugin.gateways.apisix.bounds import SPAWNED_DRAIN_SECONDS, SPAWNED_HAND_OVER_SECONDS
from gatepass.plugin.gateways.apisix.server import ApisixServer
from gatepass.plugin.settings import Compiled, compile_settings
from support.kong_door import ScriptedGate
from support.settings import settings_with

KILLED_AFTER_SECONDS = 1.0


def compiled(folder: Path, **door: str) -> Compiled:
    http = {"listen": f"unix:{folder}/http.sock"}
    return compile_settings(settings_with(doors={"http": http, "apisix": door}))


def drain_seconds(settings: Compiled, only: Only | None) -> float:
    """Return how long the runner's connections are served when it ends."""
    with open_doors(settings, only) as doors:
        door = list(doors)[-1]
        server = door.server_for(ScriptedGate())  # type: ignore[arg-type]
        assert isinstance(server, ApisixServer)
        return server.drain_seconds


def test_who_is_started_by_apisix_listens_where_it_says_and_ends_before_it_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = compiled(tmp_path, socket=f"{tmp_path}/other.sock")
    longer = drain_seconds(settings, "apisix")
    assert longer > KILLED_AFTER_SECONDS
    monkeypatch.setenv(LISTEN_ADDRESS, f"unix:{tmp_path}/spawned.sock")
    with open_doors(settings, "apisix") as doors:
        assert [door.address for door in doors] == [f"unix:{tmp_path}/spawned.sock"]
    assert drain_seconds(settings, "apisix") == SPAWNED_DRAIN_SECONDS < KILLED_AFTER_SECONDS
    assert drain_seconds(settings, None) == longer


def test_handing_over_and_draining_are_over_before_apisix_kills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the next runner listens beside this one and never comes to the path."""
    monkeypatch.setenv(LISTEN_ADDRESS, f"unix:{tmp_path}/spawned.sock")
    settings = compiled(tmp_path)
    with open_doors(settings, "apisix") as old, open_doors(settings, "apisix"):
        old.claim()
        began = time.monotonic()
        for pause in old.handing_over(lambda: None):
            time.sleep(pause)
        waited = time.monotonic() - began
    assert waited >= SPAWNED_HAND_OVER_SECONDS
    assert waited + SPAWNED_DRAIN_SECONDS < KILLED_AFTER_SECONDS


def test_the_error_names_the_account_of_nginxs_workers() -> None:
    settings = compile_settings(settings_with())
    with pytest.raises(ConfigurationError, match="owner: nobody"), open_doors(settings, "apisix"):
        pass


def test_serve_listens_at_the_socket_of_the_settings_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LISTEN_ADDRESS, f"unix:{tmp_path}/spawned.sock")
    with (
        pytest.raises(ConfigurationError, match=r"doors\.apisix\.socket: not there"),
        open_doors(compiled(tmp_path)),
    ):
        pass
    with open_doors(compiled(tmp_path, socket=f"{tmp_path}/a.sock")) as doors:
        assert [door.address for door in doors][-1] == f"unix:{tmp_path}/a.sock"


@pytest.mark.parametrize("told", ["", "unix:", "unix:relative.sock", "/run/a.sock", "127.0.0.1:80"])
def test_an_address_that_is_no_unix_socket_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    """And never replaced by the socket of the settings, where APISIX would not look."""
    monkeypatch.setenv(LISTEN_ADDRESS, told)
    settings = compiled(tmp_path, socket=f"{tmp_path}/a.sock")
    with pytest.raises(ConfigurationError, match=LISTEN_ADDRESS), open_doors(settings, "apisix"):
        pass
