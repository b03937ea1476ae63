"""Where the service is watched from, and by whom."""

import pytest

from gatepass.plugin.settings import StatusDoor, compile_settings
from gatepass.plugin.settings.values import to_address, to_network
from support.settings import sentences_of, settings_with

TAKEN = "doors.status.listen: the HTTP decision service listens there already"


def door(**settings: object) -> StatusDoor | None:
    return compile_settings(settings_with(doors={"status": settings})).status


def test_nobody_watches_unless_said_and_then_from_this_machine() -> None:
    assert compile_settings(settings_with()).status is None
    loopback = (to_network("127.0.0.1"), to_network("::1"))
    assert door() == StatusDoor(to_address("127.0.0.1:8701"), loopback)


def test_who_may_read_and_where() -> None:
    found = door(listen="0.0.0.0:9100", readers=["10.0.0.0/8"])
    assert found == StatusDoor(to_address("0.0.0.0:9100"), (to_network("10.0.0.0/8"),))


@pytest.mark.parametrize(
    ("http", "status", "problems"),
    [
        ("127.0.0.1:8700", "127.0.0.1:8700", [TAKEN]),
        ("unix:/run/g.sock", "unix:/run/g.sock", [TAKEN]),
        ("127.0.0.1:0", "127.0.0.1:0", []),
        ("127.0.0.1:8700", "127.0.0.1:8702", []),
    ],
)
def test_two_doors_cannot_have_one_address(http: str, status: str, problems: list[str]) -> None:
    doors = {"http": {"listen": http}, "status": {"listen": status}}
    if problems:
        assert sentences_of(doors=doors) == problems
    else:
        assert compile_settings(settings_with(doors=doors)).status is not None


@pytest.mark.parametrize("other", ["kong", "apisix"])
def test_nor_one_socket(other: str) -> None:
    doors = {"status": {"listen": "unix:/run/g.sock"}, other: {"socket": "/run/g.sock"}}
    assert sentences_of(doors=doors) == [
        f"doors.{other}.socket: the door for monitoring listens there already"
    ]


def test_one_of_several_workers_cannot_speak_for_all() -> None:
    doors = {"status": {}, "workers": 2}
    (told,) = sentences_of(doors=doors, budgets={"engine": "none"})
    assert told.startswith("doors.status: each worker has keys and counts of its own")
