import pytest

from gatepass.rbac.addresses import read_email
from gatepass.rbac.claims import MAX_TEXT_CHARS, ClaimPath, compile_claim_path


def paths(*names: str) -> tuple[ClaimPath, ...]:
    return tuple(compile_claim_path(name) for name in names)


@pytest.mark.parametrize(
    ("value", "email"),
    [
        ("ann@corp.example", "ann@corp.example"),
        ("Ann@Corp.Example", "ann@corp.example"),
        ("bob+x@corp.example", "bob+x@corp.example"),
        ("%@corp.example", "%@corp.example"),
        ("a@b", "a@b"),
    ],
)
def test_sec_52_an_email_in_lower_case(value: str, email: str) -> None:
    assert read_email({"email": value}, paths("email")) == email


@pytest.mark.parametrize(
    "value",
    [
        "",
        "ann",
        "@",
        "@corp.example",
        "ann@",
        "x@evil.example@corp.example",
        "ann@corp.example@",
        "b\u043eb@corp.example",
        "\u212aim@corp.example",
        "ann @corp.example",
        " ann@corp.example",
        "ann@corp.example\n",
        "ann@corp.example\0",
        "ann@corp.example\x7f",
        "x" * MAX_TEXT_CHARS + "@corp.example",
        ["ann@corp.example"],
        {"ann@corp.example": True},
        True,
        1,
        None,
    ],
)
def test_sec_52_what_is_no_plain_address_names_nobody(value: object) -> None:
    assert read_email({"email": value}, paths("email")) is None


def test_the_longest_email_is_accepted() -> None:
    value = "x" * (MAX_TEXT_CHARS - 2) + "@y"
    assert read_email({"email": value}, paths("email")) == value


@pytest.mark.parametrize("obstacle", ["text", 1, True, [], [{"id": "a"}]])
def test_a_path_through_something_that_is_no_object_is_no_address(obstacle: object) -> None:
    assert read_email({"org": obstacle, "email": "a@b"}, paths("org.email", "email")) is None
