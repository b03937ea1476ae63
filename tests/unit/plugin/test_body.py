"""Bodies that two programs read differently, and bounds that are no numbers."""

import gzip
import json

import pytest

from gatepass.plugin.body import MAX_CHOICES, BodyFacts, output_bounds, read_body
from gatepass.plugin.denied_parameters import DENIED_PARAMETERS
from gatepass.plugin.errors import RequestRefused

NONE_ALLOWED = frozenset[str]()


def refusal(body: bytes, allowed: frozenset[str] = NONE_ALLOWED) -> str:
    with pytest.raises(RequestRefused) as refused:
        read_body(body, allowed)
    return refused.value.code


def body_with(**members: object) -> bytes:
    return json.dumps({"model": "gpt-4o"} | members).encode()


def test_what_a_body_says() -> None:
    assert read_body(body_with(max_tokens=5, n=2), NONE_ALLOWED) == BodyFacts(("gpt-4o",), 5, 2)
    assert read_body(b"{}", NONE_ALLOWED) == BodyFacts((), None, 1)
    assert read_body(b' \n{"model": null, "n": null} ', NONE_ALLOWED) == BodyFacts((), None, 1)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "gpt-4o", "model": "o1"}',
        b'{"model": "gpt-4o", "m\\u006fdel": "o1"}',
        b'{"prompt": ["a", "b"], "model": "gpt-4o", "prompt": "a"}',
        b'{"n": 9, "model": "gpt-4o", "n": 1}',
        b'{"api_base": "x", "model": "gpt-4o", "api_base": null}',
        b'{"model": "gpt-4o", "metadata": {"model": 1, "model": 2}}',
        b'{"model": "gpt-4o", "x": "model", "model": "o1"}',
        b'{"model": "gpt-4o", "x": "\\"model\\"", "model": "o1"}',
        b'{"model": "gpt-4o", "temperature": NaN}',
        b'{"model": "gpt-4o", "temperature": 1e999}',
        b'{"model": "gpt-4o"} {"model": "o1"}',
        b'{"model": "gpt-4o",}',
        b'{"model": "gpt-4o"} // o1',
        b"{'model': 'gpt-4o'}",
        b'\xef\xbb\xbf{"model": "gpt-4o"}',
        '{"model": "gpt-4o"}'.encode("utf-16"),
        '{"model": "gpt-4o"}'.encode("utf-16-be"),
        '{"model": "gpt-4o"}'.encode("utf-32"),
        gzip.compress(b'{"model": "gpt-4o"}', mtime=0),
        b'[{"model": "gpt-4o"}]',
        b'"gpt-4o"',
        b"model=gpt-4o",
        b"\xff",
        b"null",
        b" ",
        b'{"model": "gpt-4o", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"model": "gpt-4o"}\x0c',
        b'{"model": "gpt-4o", "x": ' + b"9" * 5000 + b"}",
        b'{"model": "gpt-4o", "x": "\x00"}',
    ],
)
def test_sec_58_two_readings_of_one_body(body: bytes) -> None:
    assert refusal(body) == "body_not_json"


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "gpt-4o", "messages": [{"model": "o1"}], "x": "model"}',
        b'{"x": {"api_base": "y"}, "model": "gpt-4o"}',
        b'{"model": "gpt-4o", "x": "\\"model\\": \\"o1\\""}',
        b'{"m\\u006fdel": "gpt-4o"}',
    ],
)
def test_names_that_decide_nothing_where_they_stand(body: bytes) -> None:
    assert read_body(body, NONE_ALLOWED).models == ("gpt-4o",)


@pytest.mark.parametrize(
    "model",
    [
        *("", " ", "gpt-4o ", " gpt-4o", "gpt-4o,o1", "gpt-4o, o1", "gpt 4o", "gpt-4o\n", "a\x00"),
        *("x" * 257, ["gpt-4o"], {"name": "gpt-4o"}, 4, 4.0, True, False, 0, "\u2028", "\u200b"),
    ],
)
def test_sec_58_a_model_that_is_no_single_plain_name(model: object) -> None:
    assert refusal(body_with(model=model)) == "model_denied"


@pytest.mark.parametrize("name", sorted(DENIED_PARAMETERS))
def test_sec_58_members_that_a_proxy_upstream_would_obey(name: str) -> None:
    assert refusal(body_with(**{name: "x"})) == "parameter_denied"
    assert refusal(body_with(**{name: None})) == "parameter_denied"
    assert refusal(body_with(**{name.upper(): "x"})) == "parameter_denied"
    assert refusal(body_with(**{name.title(): "x"})) == "parameter_denied"
    assert read_body(body_with(**{name: "x"}), frozenset({name})).models == ("gpt-4o",)


@pytest.mark.parametrize(
    "name",
    [
        *("Model", "MODEL", "mODEL", "Max_Tokens", "N", "Best_Of", "MAX_COMPLETION_TOKENS"),
        # Go folds the long s and the Kelvin sign into s and k
        *("api_ba\u017fe", "fallbac\u212as", "max_to\u212aens", "be\u017ft_of"),
    ],
)
def test_sec_58_another_spelling_of_a_member_that_decides(name: str) -> None:
    assert refusal(body_with(**{name: "o1"})) == "parameter_denied"
    assert refusal(body_with(**{name: "o1"}), frozenset({name})) == "parameter_denied"


def test_sec_58_allowing_a_member_allows_no_other_spelling_of_it() -> None:
    assert refusal(body_with(API_BASE="x"), frozenset({"api_base"})) == "parameter_denied"


@pytest.mark.parametrize(
    "name", ["max_tokens", "max_completion_tokens", "max_output_tokens", "n", "best_of"]
)
@pytest.mark.parametrize(
    "value", [-1, True, False, "5", "", 1.0, 0.5, -0.0, [5], {}, 10**13, 10**30, 2**63]
)
def test_sec_59_bounds_that_are_no_counts(name: str, value: object) -> None:
    assert refusal(body_with(**{name: value})) == "body_not_json"


def test_sec_59_where_no_cost_is_asked_for_bounds_may_be_anything() -> None:
    facts = read_body(body_with(n="Smith", max_tokens=-1), NONE_ALLOWED, None)
    assert facts == BodyFacts(("gpt-4o",), None, 1)


@pytest.mark.parametrize(
    ("members", "bound", "choices"),
    [
        ({"max_tokens": 1, "max_completion_tokens": 900}, 900, 1),
        ({"max_tokens": 900, "max_output_tokens": 1}, 900, 1),
        ({"max_tokens": 0}, 0, 1),
        ({"n": 0}, None, 1),
        ({"n": 1, "best_of": 20}, None, 20),
        ({"n": MAX_CHOICES}, None, MAX_CHOICES),
        ({"prompt": "one"}, None, 1),
        ({"prompt": []}, None, 1),
        ({"prompt": [5, 6, 7]}, None, 1),
        ({"prompt": ["one", "two", "three"]}, None, 3),
        ({"prompt": [[5], [6, 7]], "n": 4}, None, 8),
    ],
)
def test_sec_59_the_dearest_reading_counts(
    members: dict[str, object], bound: int | None, choices: int
) -> None:
    assert read_body(body_with(**members), NONE_ALLOWED) == BodyFacts(("gpt-4o",), bound, choices)


@pytest.mark.parametrize(
    ("members", "named"),
    [({"user": "ann"}, True), ({}, False)]
    + [({"user": nobody}, False) for nobody in ("", "  ", None, 1, ["ann"], {"id": "ann"})],
)
def test_a_body_says_for_which_user_it_is(members: dict[str, object], *, named: bool) -> None:
    assert read_body(body_with(**members), NONE_ALLOWED).names_user is named
    assert read_body(body_with(**members), NONE_ALLOWED, None).names_user is named


def test_sec_58_a_body_that_orders_guardrails() -> None:
    orders: list[dict[str, object]] = [{"guardrails": []}, {"metadata": {"guardrails": []}}]
    for bounds in (None, ("max_tokens",)):
        for ordering in orders:
            assert read_body(body_with(**ordering), NONE_ALLOWED, bounds).changes_guardrails
        assert not read_body(body_with(metadata={}), NONE_ALLOWED, bounds).changes_guardrails


def test_sec_58_models_that_stand_by_count_like_the_model_itself() -> None:
    body = body_with(fallbacks=["o1", "gpt-4o"], models=["o3"], tools=[{"model": "image-1"}])
    assert set(read_body(body, NONE_ALLOWED).models) == {"gpt-4o", "o1", "o3", "image-1"}
    assert read_body(body, NONE_ALLOWED).models[0] == "gpt-4o"


def part(**members: object) -> dict[str, object]:
    return {"custom_id": "1", "params": {"model": "a", "max_tokens": 5, **members}}


def test_sec_58_59_the_requests_of_a_batch_are_judged_and_counted_each() -> None:
    batch = {"requests": [part(), part(model="b", n=3, max_tokens=9)]}
    assert read_body(json.dumps(batch).encode(), NONE_ALLOWED) == BodyFacts(("a", "b"), 9, 4)
    batch["requests"].append(part(max_tokens=None))
    assert read_body(body_with(**batch), NONE_ALLOWED) == BodyFacts(("gpt-4o", "a", "b"), None, 5)
    everyone = {"requests": [part(user="ann"), part(user="bob", guardrails=[])]}
    facts = read_body(json.dumps(everyone).encode(), NONE_ALLOWED)
    assert facts.names_user
    assert facts.changes_guardrails
    somebody = {"requests": [part(user="ann"), part()]}
    assert not read_body(json.dumps(somebody).encode(), NONE_ALLOWED).names_user


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ({"api_base": "http://evil.example"}, "parameter_denied"),
        ({"Model": "o1"}, "parameter_denied"),
        ({"model": "a,b"}, "model_denied"),
        ({"fallbacks": [1]}, "parameter_denied"),
        ({"n": -1}, "body_not_json"),
    ],
)
def test_sec_58_what_a_body_may_not_say_a_request_of_a_batch_may_not_either(
    inside: dict[str, object], code: str
) -> None:
    assert refusal(body_with(requests=[part(), part(**inside)])) == code


def test_sec_59_too_many_choices() -> None:
    assert refusal(body_with(n=MAX_CHOICES + 1)) == "body_not_json"


@pytest.mark.parametrize(
    ("path", "bound"),
    [
        ("/v1/chat/completions", 30),
        ("/openai/deployments/gpt-4o/chat/completions", 30),
        ("/v1/completions", 20),
        ("/v1/messages", 20),
        ("/v1/responses", 10),
        ("/openai/v1/responses", 10),
        ("/v1/responses/r/input_items", None),
        ("/v1/embeddings", None),
        ("/v1/something/new", None),
    ],
)
def test_sec_59_only_what_the_operation_obeys_bounds_its_answer(
    path: str, bound: int | None
) -> None:
    body = body_with(max_output_tokens=10, max_tokens=20, max_completion_tokens=30)
    assert read_body(body, NONE_ALLOWED, output_bounds(path)).max_output_tokens == bound


@pytest.mark.parametrize(
    ("session", "models"),
    [
        ({"model": "o1"}, {"gpt-4o", "o1"}),
        ({"model": "gpt-4o"}, {"gpt-4o"}),
        ({"audio": {"input": {"transcription": {"model": "whisper-1"}}}}, {"gpt-4o", "whisper-1"}),
        ({"parts": [{"Model": "o1"}, {"model": None}]}, {"gpt-4o", "o1"}),
        ("o1", {"gpt-4o"}),
    ],
)
def test_sec_58_a_realtime_session_names_models_inside(session: object, models: set[str]) -> None:
    assert set(read_body(body_with(session=session), NONE_ALLOWED).models) == models


@pytest.mark.parametrize("inner", [["o1"], {"x": 1}, 7, "a,b", ""])
def test_sec_58_a_session_that_names_a_model_badly_is_refused(inner: object) -> None:
    assert refusal(body_with(session={"model": inner})) == "model_denied"


def test_sec_58_a_session_may_be_as_deep_as_it_likes() -> None:
    deep: object = {"model": "o1"}
    for _ in range(300):
        deep = [deep]
    assert read_body(body_with(session=deep), NONE_ALLOWED).models == ("gpt-4o", "o1")


@pytest.mark.parametrize("name", ["Tools", "SESSION", "Rerank", "generationconfig", "Prompt"])
def test_sec_58_a_member_that_decides_is_refused_in_other_letters(name: str) -> None:
    assert refusal(body_with(**{name: [{"model": "o1"}]})) == "parameter_denied"


def test_a_member_that_decides_is_read_in_its_own_letters() -> None:
    config = {"candidateCount": 3}
    assert read_body(body_with(generationConfig=config), NONE_ALLOWED).choices == 3
