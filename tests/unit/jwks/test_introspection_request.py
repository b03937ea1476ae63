import base64
from urllib.parse import parse_qs, parse_qsl

import pytest

from gatepass.jwks.introspection_request import Client, ClientAuthentication, ask_about


def test_the_form_names_the_token_and_that_it_is_for_access() -> None:
    form, headers = ask_about(b"a+b/c~d._-==", Client("gatepass", "s3cret"))
    assert parse_qsl(form.decode(), strict_parsing=True) == [
        ("token", "a+b/c~d._-=="),
        ("token_type_hint", "access_token"),
    ]
    assert headers == {"Authorization": "Basic " + base64.b64encode(b"gatepass:s3cret").decode()}


@pytest.mark.parametrize(
    ("secret", "sent"),
    [("a:b", "a%3Ab"), ("a b", "a+b"), ("a%20+/=&", "a%2520%2B%2F%3D%26"), ("-._~", "-._~")],
)
def test_a_basic_header_holds_the_form_encoded_secret(secret: str, sent: str) -> None:
    _, headers = ask_about(b"t", Client("id:1", secret))
    scheme, _, credentials = headers["Authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(credentials).decode() == f"id%3A1:{sent}"


def test_in_a_form_the_secret_stands_beside_the_token() -> None:
    client = Client("id:1", "a%20+/=&", ClientAuthentication.POST)
    form, headers = ask_about(b"t", client)
    assert parse_qs(form.decode(), strict_parsing=True) == {
        "token": ["t"],
        "token_type_hint": ["access_token"],
        "client_id": ["id:1"],
        "client_secret": ["a%20+/=&"],
    }
    assert not headers


def test_sec_60_a_secret_shows_in_no_repr() -> None:
    assert "s3cret" not in repr(Client("gatepass", "s3cret"))
