from types import MappingProxyType

import pytest

from gatepass.rbac.claims import (
    MAX_NAME_CHARS,
    MAX_NUMBER,
    MAX_TEXT_CHARS,
    ClaimPath,
    compile_claim_path,
    read_first,
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
    ("separator", "value", "texts"),
    [
        (",", "a,b", ("a", "b")),
        (",", " b , a,,b, ", ("b", "a")),
        (",", "a b", ("a b",)),
        (",", "", ()),
        (",", ["a,b", "c"], ("a,b", "c")),
        (" ", "a  b ", ("a", "b")),
        (" ", "a,b", ("a,b",)),
        (" ", None, ()),
    ],
)
def test_a_text_is_taken_apart_only_where_the_settings_say_so(
    separator: str, value: object, texts: tuple[str, ...]
) -> None:
    assert read_texts({"groups": value}, paths("groups"), separator=separator) == texts
    assert read_texts({"groups": ["a,b c"]}, paths("groups"), separator=separator) == ("a,b c",)


def test_sec_56_a_malformed_part_spoils_the_text() -> None:
    for value in ("a,\tb", "a,b\n", "a," + "x" * (MAX_TEXT_CHARS + 1)):
        with pytest.raises(AccessDenied):
            read_texts({"groups": value}, paths("groups"), separator=",")
    long_enough = ",".join(["x" * MAX_TEXT_CHARS, "y" * MAX_TEXT_CHARS])
    assert len(read_texts({"groups": long_enough}, paths("groups"), separator=",")) == 2


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (12, "12"), (MAX_NUMBER, str(MAX_NUMBER)), ("12", "12"), ("a", "a"), (None, None)],
)
def test_whole_numbers_as_ids(value: object, text: str | None) -> None:
    assert read_text({"uid": value}, paths("uid"), numbers=True) == text
    assert read_first({"uid": value}, paths("uid"), numbers=True) == text
    texts = () if text is None else (text,)
    assert read_texts({"uid": value}, paths("uid"), numbers=True) == texts


@pytest.mark.parametrize(
    "value", [-1, MAX_NUMBER + 1, 12.0, 12.5, 1e2, True, False, float("nan"), {}, [1.0], [True]]
)
def test_sec_17_other_numbers_are_no_ids(value: object) -> None:
    for read in (read_text, read_texts, read_first):
        with pytest.raises(AccessDenied) as denied:
            read({"uid": value, "sub": "somebody else"}, paths("uid", "sub"), numbers=True)
        assert denied.value.fault is AccessFault.BAD_IDENTITY_CLAIM


def test_a_number_and_its_digits_are_one_id() -> None:
    assert read_texts({"groups": [7, "7", 8]}, paths("groups"), numbers=True) == ("7", "8")


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (["b", "a"], "b"), ([], None), (None, None)]
)
def test_the_first_of_a_list(value: object, text: str | None) -> None:
    assert read_first({"team": value}, paths("team")) == text


def test_an_index_in_a_path_finds_nothing_in_a_list() -> None:
    with pytest.raises(AccessDenied):
        read_first({"team": ["t1"]}, paths("team.0"))


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


def test_claims_may_be_any_mapping() -> None:
    claims = MappingProxyType({"org": {"id": "a"}})
    assert read_text(claims, paths("org.id")) == "a"
