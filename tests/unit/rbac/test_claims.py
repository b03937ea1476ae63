from types import MappingProxyType

import pytest

from gatepass.rbac.claims import (
    MAX_NAME_CHARS,
    MAX_TEXT_CHARS,
    ClaimPath,
    compile_claim_path,
    read_email,
    read_scopes,
    read_text,
    read_texts,
)
from gatepass.rbac.errors import AccessDenied, AccessFault

Claims = dict[str, object]


def paths(*names: str) -> tuple[ClaimPath, ...]:
    return tuple(compile_claim_path(name) for name in names)


@pytest.mark.parametrize(
    ("name", "claims", "value"),
    [
        ("sub", {"sub": "a"}, "a"),
        ("org.id", {"org": {"id": "a"}}, "a"),
        ("org.id", {"org.id": "literal", "org": {"id": "nested"}}, "literal"),
        ("org.id", {"org.id": None, "org": {"id": "nested"}}, "nested"),
        ("a.b.c.d", {"a": {"b": {"c": {"d": "deep"}}}}, "deep"),
        ("https://corp.example/team", {"https://corp.example/team": "a"}, "a"),
        (r"https://corp\.example/org.id", {"https://corp.example/org": {"id": "a"}}, "a"),
        (r"org\.id", {"org.id": "a", "org": {"id": "nested"}}, "a"),
        (r"org\.id", {r"org\.id": "the spelling with escapes is no name"}, None),
        (r"a.b\.c", {"a": {"b.c": "x", "b": {"c": "y"}}}, "x"),
        ("sub", {}, None),
        ("sub", {"sub": None}, None),
        ("org.id", {"org": {}}, None),
        ("org.id", {"org": None}, None),
        ("org.id", {"org": {"id": None}}, None),
        ("a.b.c", {"a": {"x": {"c": "elsewhere"}}}, None),
        ("metadata.uid", {"uid": "top-level", "metadata": {"uid": "nested"}}, "nested"),
    ],
)
def test_where_a_claim_stands(name: str, claims: Claims, value: str | None) -> None:
    assert read_text(claims, paths(name)) == value


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "a\\",
        r"a\b",
        r"a\\.b",
        r"\\",
        "a\nb",
        "a\0",
        "x" * (MAX_NAME_CHARS + 1),
    ],
)
def test_claim_names_that_can_only_be_mistakes_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a claim name"):
        compile_claim_path(name)


def test_the_longest_claim_name_is_accepted() -> None:
    name = "x" * MAX_NAME_CHARS
    assert compile_claim_path(name) == ClaimPath(name, ())


def test_the_first_candidate_that_is_there_counts() -> None:
    names = paths("oid", "sub")
    assert read_text({"oid": "a", "sub": "b"}, names) == "a"
    assert read_text({"oid": None, "sub": "b"}, names) == "b"
    assert read_text({"sub": "b"}, names) == "b"
    assert read_text({}, names) is None
    assert read_text({"sub": "b"}, ()) is None


def test_a_malformed_candidate_never_yields_to_the_next_one() -> None:
    values: tuple[object, ...] = (1, "", [], {}, False)
    for value in values:
        with pytest.raises(AccessDenied) as denied:
            read_text({"oid": value, "sub": "somebody else"}, paths("oid", "sub"))
        assert denied.value.fault is AccessFault.BAD_IDENTITY_CLAIM


@pytest.mark.parametrize("obstacle", ["text", 1, True, [], [{"id": "a"}]])
def test_a_path_through_something_that_is_no_object_is_refused(obstacle: object) -> None:
    claims = {"org": obstacle, "sub": "somebody else"}
    for names in (paths("org.id", "sub"), paths("org.id.x", "sub")):
        with pytest.raises(AccessDenied):
            read_text(claims, names)
        with pytest.raises(AccessDenied):
            read_texts(claims, names)
        with pytest.raises(AccessDenied):
            read_scopes(claims, names)
        assert read_email(claims, names) is None


@pytest.mark.parametrize(
    "value",
    ["u", "x" * MAX_TEXT_CHARS, "Ann B", "a@b", "\u00e4\u4e16\U0001f600", "team_id:t1", "*"],
)
def test_sec_17_ids_are_taken_as_they_stand(value: str) -> None:
    assert read_text({"sub": value}, paths("sub")) == value
    assert read_texts({"sub": value}, paths("sub")) == (value,)


MALFORMED_TEXTS = (
    "",
    " ",
    " a",
    "a ",
    "a\r\nx-admin: 1",
    "a\0",
    "a\tb",
    "a\x7f",
    "a\u00a0b",
    "a\u200bb",
    "a\u202eb",
    "\ud800",
    "x" * (MAX_TEXT_CHARS + 1),
)
WRONG_TYPES: tuple[object, ...] = (0, 1, 12.5, True, False, {}, {"a": 1})


@pytest.mark.parametrize("value", [*MALFORMED_TEXTS, *WRONG_TYPES, [], ["a"], ["a", "b"]])
def test_sec_17_anything_but_one_plain_text_is_refused(value: object) -> None:
    with pytest.raises(AccessDenied) as denied:
        read_text({"team": value}, paths("team"))
    assert denied.value.fault is AccessFault.BAD_IDENTITY_CLAIM


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (None, ()),
        ([], ()),
        (["b", "a"], ("b", "a")),
        (["b", "a", "b"], ("b", "a")),
        ("one group", ("one group",)),
        ("a,b", ("a,b",)),
    ],
)
def test_a_list_or_one_text(value: object, texts: tuple[str, ...]) -> None:
    assert read_texts({"groups": value}, paths("groups")) == texts


@pytest.mark.parametrize(
    "value",
    [*WRONG_TYPES, *([text] for text in MALFORMED_TEXTS), "", ["a", 1], ["a", None], ["a", ["b"]]],
)
def test_sec_56_one_malformed_member_spoils_the_list(value: object) -> None:
    for read in (read_texts, read_scopes):
        if (read, value) == (read_scopes, ""):
            continue
        with pytest.raises(AccessDenied) as denied:
            read({"roles": value}, paths("roles"))
        assert denied.value.fault is AccessFault.BAD_IDENTITY_CLAIM


@pytest.mark.parametrize(
    ("value", "scopes"),
    [
        (None, set()),
        ("", set()),
        ("openid", {"openid"}),
        ("openid profile email", {"openid", "profile", "email"}),
        ("openid  profile ", {"openid", "profile"}),
        (["openid", "profile"], {"openid", "profile"}),
        (["not split"], {"not split"}),
        ("not_admin admin_view", {"not_admin", "admin_view"}),
        ("admin,root", {"admin,root"}),
    ],
)
def test_sec_56_scopes_are_split_at_blanks_and_nowhere_else(
    value: object, scopes: set[str]
) -> None:
    assert read_scopes({"scope": value}, paths("scope", "scp")) == scopes


@pytest.mark.parametrize("value", ["openid\tadmin", "openid\nadmin"])
def test_sec_56_other_blanks_do_not_separate_scopes(value: str) -> None:
    with pytest.raises(AccessDenied):
        read_scopes({"scope": value}, paths("scope"))


def test_scopes_of_the_second_candidate() -> None:
    assert read_scopes({"scp": ["admin"]}, paths("scope", "scp")) == {"admin"}


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


def test_claims_may_be_any_mapping() -> None:
    claims = MappingProxyType({"org": {"id": "a"}})
    assert read_text(claims, paths("org.id")) == "a"
