"""The socket that the service listens on."""

import socket
import stat
from pathlib import Path

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.gateways.listener import Address, listening


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (Address("127.0.0.1", 8700), "127.0.0.1:8700"),
        (Address("::1", 8700), "[::1]:8700"),
        (Address(path=Path("/run/gatepass.sock")), "unix:/run/gatepass.sock"),
    ],
)
def test_an_address_reads_as_in_the_settings(address: Address, text: str) -> None:
    assert str(address) == text


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_listens(host: str) -> None:
    with listening(Address(host, 0)) as listener:
        name = listener.getsockname()
        socket.create_connection(name[:2]).close()


def test_a_port_in_use_is_an_error_of_the_settings() -> None:
    with listening(Address("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        taken = Address("127.0.0.1", port)
        with pytest.raises(ConfigurationError) as caught, listening(taken):
            pass
    (problem,) = caught.value.problems
    assert problem.startswith(f"doors.http.listen: 127.0.0.1:{port}: ")


def test_an_address_that_is_not_ours_is_an_error_of_the_settings() -> None:
    with pytest.raises(ConfigurationError), listening(Address("192.0.2.1", 0)):
        pass


def test_sec_62_a_unix_socket_is_for_its_owner_and_group(tmp_path: Path) -> None:
    path = tmp_path / "gate.sock"
    with listening(Address(path=path)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
    assert not path.exists()


def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "gate.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with listening(Address(path=path)), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_live_socket_is_left_alone(tmp_path: Path) -> None:
    address = Address(path=tmp_path / "gate.sock")
    with listening(address):
        with pytest.raises(ConfigurationError), listening(address):
            pass
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(address.path))


def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "gatepass.yaml"
    path.write_text("precious")
    with pytest.raises(ConfigurationError), listening(Address(path=path)):
        pass
    assert path.read_text() == "precious"


def test_a_folder_that_is_not_there_is_an_error_of_the_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError), listening(Address(path=tmp_path / "no" / "gate.sock")):
        pass
