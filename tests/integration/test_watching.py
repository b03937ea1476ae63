"""A real `gatepass serve` that somebody watches: a good day, a flood, an outage, new settings."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatepass.jwks.unknown_keys import FLOOD
from support.gatepass_process import SECONDS, Served, refused, serving
from support.gates import KEY, OUR_ISSUER, WITHOUT_KEYS, settings_file
from support.ports import free_port
from support.raw_http import ask
from support.tokens import ISSUER, signing_key

ON_FILE = {**WITHOUT_KEYS, "jwks_file": "keys.json", "refresh": "1s", "min_refetch": "1s"}


@dataclass(frozen=True)
class Watch:
    """A running service, and the port where it is watched."""

    served: Served
    port: int

    def metrics(self) -> str:
        reply = ask(self.port, target="/metrics")
        assert reply.status == 200
        return reply.body.decode()

    def value(self, name: str, issuer: str = ISSUER) -> float:
        labels = rf'\{{issuer="{re.escape(issuer)}"\}}'
        found = re.search(rf"^gatepass_issuer_{name}{labels} (\S+)$", self.metrics(), re.MULTILINE)
        assert found is not None, name
        return float(found[1])

    def eventually(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, self.metrics() + self.served.errors
            time.sleep(0.02)

    def status(self, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "gatepass.plugin", "jwks", "status", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)


@contextmanager
def watching(folder: Path, **sections: object) -> Iterator[Watch]:
    port = free_port()
    (folder / "keys.json").write_text(json.dumps({"keys": [KEY.jwk()]}))
    doors = {"status": {"listen": f"127.0.0.1:{port}"}}
    with serving(folder, doors=doors, **{"issuers": [ON_FILE], **sections}) as served:
        yield Watch(served, port)


def test_a_good_day(tmp_path: Path) -> None:
    with watching(tmp_path) as watch:
        served = watch.served
        assert served.ask().status == 200
        assert f"answering at 127.0.0.1:{watch.port} (status)" in served.errors
        for port in (served.port, watch.port):
            ready = ask(port, target="/readyz")
            told = {"ready": True, "store": True, "issuers": {ISSUER: "fresh"}}
            assert (ready.status, json.loads(ready.body)) == (200, told)
            shown = watch.status(f"http://127.0.0.1:{port}")
            assert (shown.returncode, shown.stderr) == (0, "")
            assert "keys: key-EdDSA" in shown.stdout
        assert ask(served.port, target="/metrics").status == 404
        assert (watch.value("keys"), watch.value("keys_stale")) == (1, 0)
        assert served.stop() == 0


def test_sec_24_60_a_flood_is_counted_told_of_once_and_not_repeated(tmp_path: Path) -> None:
    slow = {**ON_FILE, "refresh": "5m", "min_refetch": "1m"}
    with watching(tmp_path, issuers=[slow]) as watch:
        served = watch.served
        for number in range(FLOOD * 2):
            made_up = signing_key("EdDSA", f"canary-{number % 7}").token({"user": "ann"})
            assert served.ask(made_up).status == 401
        assert watch.value("refused_refetches_total") >= FLOOD * 2
        assert watch.value("refetches_total") == 1, "the start's"
        assert served.errors.count("a flood of tokens") == 1
        shown = watch.status(f"http://127.0.0.1:{watch.port}")
        assert (shown.returncode, "tokens named keys" in shown.stdout) == (0, True)
        issuers = ask(watch.port, target="/issuers").body.decode()
        for text in (watch.metrics(), served.errors, shown.stdout, issuers):
            assert "canary" not in text
        assert served.ask().status == 200


def test_an_outage_shows_is_told_of_once_and_ends(tmp_path: Path) -> None:
    with watching(tmp_path) as watch:
        served, url = watch.served, f"http://127.0.0.1:{watch.port}"
        (tmp_path / "keys.json").rename(tmp_path / "away.json")
        watch.eventually(lambda: watch.value("keys_failures") >= 2)
        assert served.ask().status == 200, "stale keys serve"
        assert (watch.value("keys"), watch.value("keys_stale")) == (1, 1)
        labels = f'error="file: not there",issuer="{ISSUER}"'
        assert f"gatepass_issuer_keys_last_error{{{labels}}} 1.0" in watch.metrics()
        shown = watch.status(url)
        assert shown.returncode == 1
        assert "to do: put the path right" in shown.stdout
        assert json.loads(watch.status(url, "--json").stdout)["issuers"][0]["state"] == "stale"
        assert json.loads(ask(watch.port, target="/readyz").body)["issuers"] == {ISSUER: "stale"}
        assert served.errors.count("keys not loaded") == 1
        (tmp_path / "away.json").rename(tmp_path / "keys.json")
        watch.eventually(lambda: watch.value("keys_stale") == 0)
        assert "last_error{" not in watch.metrics()
        assert watch.status(url).returncode == 0


def test_new_settings_are_watched_at_once(tmp_path: Path) -> None:
    with watching(tmp_path) as watch:
        doors = json.loads((tmp_path / "gatepass.yaml").read_text())["doors"]
        other = {**OUR_ISSUER, "issuer": "https://other.example"}
        settings_file(tmp_path, doors=doors, issuers=[other])
        watch.served.process.send_signal(signal.SIGHUP)
        watch.served.wait_for("settings reloaded")
        assert watch.value("keys", "https://other.example") == 1
        assert ISSUER not in watch.metrics()


def test_settings_that_are_read_again_leave_nothing_to_do(tmp_path: Path) -> None:
    inline = {**OUR_ISSUER, "issuer": "https://inline.example"}
    with watching(tmp_path, issuers=[ON_FILE, inline]) as watch:
        watch.served.process.send_signal(signal.SIGHUP)
        watch.served.wait_for("settings reloaded")
        assert "last_error{" not in watch.metrics()
        shown = watch.status(f"http://127.0.0.1:{watch.port}")
        assert (shown.returncode, "to do" in shown.stdout) == (0, False)


@pytest.mark.parametrize("way", ["tcp", "unix"])
def test_an_address_that_is_not_to_be_had_is_named(tmp_path: Path, way: str) -> None:
    listen = "192.0.2.1:1" if way == "tcp" else f"unix:{tmp_path}/missing/status.sock"
    http = {"listen": f"unix:{tmp_path}/http.sock"}
    path = settings_file(tmp_path, doors={"http": http, "status": {"listen": listen}})
    assert f"doors.status.listen: {listen}: " in refused(path)
