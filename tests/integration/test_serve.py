"""A real `gatepass serve`, as a supervisor and a gateway meet it: signals, requests, keys."""

import json
import signal
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from support.gatepass_process import SECONDS, serving
from support.gates import (
    KEY,
    OUR_ISSUER,
    WITHOUT_KEYS,
    ann,
    chat_body,
    rules,
    settings_file,
    token,
)
from support.ports import free_port
from support.raw_http import NoReply, ask, read_reply
from support.tokens import signing_key

JSON = (b"content-type", b"application/json")
PROMPTLY_SECONDS = 4
"""Less than the 5 s that the server gives to connections that are busy."""


def test_it_serves_and_leaves_with_status_0(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        assert ask(served.port, target="/readyz").status == 200
        first = served.ask()
        assert first.status == 200
        assert ("x-gatepass-user", "ann") in first.headers
        assert served.errors == f"gatepass: answering at 127.0.0.1:{served.port}\n"
        began = time.monotonic()
        assert served.stop() == 0
        assert time.monotonic() - began < PROMPTLY_SECONDS
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "gatepass.db",
        "gatepass.db.lock",
        "gatepass.yaml",
        "stderr",
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_under_way_is_answered_before_leaving(
    tmp_path: Path, number: signal.Signals
) -> None:
    with serving(tmp_path) as served:
        assert served.ask().status == 200
        body = chat_body()
        head = (
            b"POST /envoy/default/v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n"
            b"Authorization: Bearer %b\r\n\r\n"
        ) % (len(body), ann())
        with socket.create_connection(("127.0.0.1", served.port), 5) as connection:
            connection.sendall(head + body[:10])
            time.sleep(0.05)
            served.process.send_signal(number)
            time.sleep(0.05)
            connection.sendall(body[10:])
            assert read_reply(connection).status == 200
        assert served.process.wait(SECONDS) == 0


def test_an_idle_connection_keeps_nobody_waiting(tmp_path: Path) -> None:
    with (
        serving(tmp_path) as served,
        socket.create_connection(("127.0.0.1", served.port), 5) as connection,
    ):
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_reply(connection).status == 200
        began = time.monotonic()
        assert served.stop() == 0
        assert time.monotonic() - began < PROMPTLY_SECONDS


def test_sec_50_a_hangup_reads_the_settings_again(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        doors = {"http": {"listen": f"127.0.0.1:{served.port}"}}
        assert served.ask().status == 200
        settings_file(tmp_path, doors=doors, profiles=rules(models=["o1"]))
        served.process.send_signal(signal.SIGHUP)
        served.wait_for("settings reloaded")
        assert served.ask().status == 403
        (tmp_path / "gatepass.yaml").write_text("issuers: canary-in-a-wrong-file: [")
        served.process.send_signal(signal.SIGHUP)
        served.wait_for("settings not reloaded; the old ones stay")
        line = json.loads(served.errors.splitlines()[-1])
        assert line["problems"][0].startswith(f"{tmp_path}/gatepass.yaml:1:")
        assert "canary" not in served.errors
        assert served.ask().status == 403
        settings_file(tmp_path, doors=doors, stores={"database": "sqlite:///other.db"})
        served.process.send_signal(signal.SIGHUP)
        served.wait_for("stores.database: changed; takes effect at the next start")
        assert served.ask().status == 200
        assert served.stop() == 0


def test_an_unreachable_issuer_keeps_nobody_else_out(tmp_path: Path) -> None:
    away = {
        **WITHOUT_KEYS,
        "issuer": "https://away.example",
        "jwks_uri": f"http://127.0.0.1:{free_port()}/keys",
        "allow_http_loopback": True,
    }
    with serving(tmp_path, issuers=[OUR_ISSUER, away]) as served:
        assert ask(served.port, target="/readyz").status == 503
        assert served.ask().status == 200
        theirs = signing_key("EdDSA", "away").token({"iss": "https://away.example", "user": "b"})
        reply = served.ask(theirs)
        assert reply.status == 503
        assert json.loads(reply.body)["error"]["code"] == "jwks_error"
        assert "away.example: keys not loaded" in served.errors
        assert served.stop() == 0


CHAT = b"/v1/chat/completions"
BEARER = (b"authorization", b"Bearer " + ann())
BAD_REQUESTS = [
    ("no_token", 401, [], CHAT, chat_body()),
    ("malformed", 401, [(b"authorization", b"Bearer \xff\xfe")], CHAT, chat_body()),
    ("two_tokens", 400, [BEARER, BEARER], CHAT, chat_body()),
    ("body_not_json", 400, [BEARER], CHAT, b"hello"),
    ("body_too_large", 413, [BEARER], CHAT, b"{" + b" " * 2**20),
    ("ambiguous_path", 400, [BEARER], b"/v1/chat%2fcompletions", chat_body()),
    ("ambiguous_path", 400, [BEARER], b"/v1//chat/completions", chat_body()),
    ("ambiguous_path", 400, [BEARER], b"/v1/../key/generate", chat_body()),
    ("profile_unknown", 503, [BEARER], b"", b""),
]


def test_sec_41_60_bad_requests_get_their_codes_and_the_process_lives(tmp_path: Path) -> None:
    with serving(tmp_path, "--log-level", "debug") as served:
        for code, status, headers, target, body in BAD_REQUESTS:
            profile = b"/envoy/default" if target else b"/envoy/other" + CHAT
            reply = ask(served.port, "POST", profile + target, [*headers, JSON], body)
            assert (reply.status, json.loads(reply.body)["error"]["code"]) == (status, code)
        megabyte = (b"authorization", b"Bearer " + b"a" * 1_000_000)
        with suppress(NoReply):  # hanging up in the middle of it is an answer too
            assert ask(served.port, "POST", b"/envoy/default" + CHAT, [megabyte]).status == 400
        assert served.ask(b"a" * 100_000).status == 401
        assert served.ask().status == 200
        assert ann().decode() not in served.errors
        assert served.stop() == 0


def test_many_clients_at_once_share_one_row(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        statuses: list[int] = []
        bearers = [token(jti=str(number), team="t1") for number in range(20)]
        threads = [
            threading.Thread(target=lambda b=bearer: statuses.append(served.ask(b).status))
            for bearer in bearers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [200] * 20


def test_rotated_keys_in_a_file_come_with_a_hangup(tmp_path: Path) -> None:
    new = signing_key("EdDSA", "new")
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [KEY.jwk()]}))
    on_file = {
        **WITHOUT_KEYS,
        "jwks_file": "keys.json",
    }
    with serving(tmp_path, issuers=[on_file]) as served:
        assert served.ask().status == 200
        (tmp_path / "keys.json").write_text(json.dumps({"keys": [new.jwk()]}))
        served.process.send_signal(signal.SIGHUP)
        served.wait_for("settings reloaded")
        assert served.ask().status == 401
        assert served.ask(new.token({"user": "ann"})).status == 200
