"""Bodies hidden, cut, too large, compressed, foreign or malformed, against every rule in question.

`rules` are: nobody needs the model, the profile wants it named, a role's or a row's rule needs it,
money needs it. With `unsafe_unseen_model_routes` the same requests once more.
"""

import gzip
from pathlib import Path

import pytest

from gatepass.plugin import Request
from gatepass.plugin.directory.rules import RowDefaults
from gatepass.plugin.request import BodyState
from support.directories import open_directory, query
from support.gates import chat, chat_body, code_of, open_gate, rules, token

FORM = (b"content-type", b"multipart/form-data; boundary=x")
URLENCODED = (b"content-type", b"application/x-www-form-urlencoded")
TEXT = (b"content-type", b"text/plain")
GZIP = (b"content-encoding", b"gzip")
SMUGGLED = chat_body(api_base="http://evil.example")
TWICE = SMUGGLED[:-1] + b', "n": 1, "n": 1}'


def request(body: bytes | BodyState, *headers: tuple[bytes, bytes]) -> Request:
    """Return a chat request with these headers, and JSON as its type if they do not say."""
    typed = chat(body=body)
    kept = typed.headers if FORM[0] not in dict(headers) else typed.headers[1:]
    return Request(typed.method, typed.target, [*kept, *headers], body=body)


BODIES: dict[str, Request] = {
    "seen": request(chat_body()),
    "not shown": request(BodyState.NOT_SHOWN),
    "cut": request(BodyState.CUT),
    "empty": request(b""),
    "too large": request(BodyState.TOO_LARGE),
    "no JSON": request(b"hello"),
    "a list": request(b"[]"),
    "duplicates": request(TWICE),
    "utf-16": request(SMUGGLED.decode().encode("utf-16")),
    "gzip": request(gzip.compress(SMUGGLED), GZIP),
    "gzip, foreign": request(gzip.compress(SMUGGLED), GZIP, FORM),
    "a form": request(b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n1', FORM),
    "a form in JSON": request(b'{"x": "&model=o1&prompt=hi&", "model": "gpt-4o"}', URLENCODED),
    "JSON as text": request(SMUGGLED, TEXT),
    "UTF-16 as text": request(SMUGGLED.decode().encode("utf-16"), TEXT),
    "UTF-16-BE as text": request(SMUGGLED.decode().encode("utf-16-be"), TEXT),
    "a mark, as text": request(b"\xef\xbb\xbf \n" + SMUGGLED, TEXT),
    "another charset": request(chat_body(), (b"content-type", b"application/json; charset=utf-7")),
    "no model": request(b"{}"),
    "a denied member": request(SMUGGLED),
    "another case": request(b'{"model": "gpt-4o", "Model": "o1"}'),
    "a wrong bound": request(chat_body(n="many")),
}
NEEDED = {
    "seen": "allowed",
    "not shown": "body_not_shown",
    "cut": "body_not_shown",
    "empty": "body_not_shown",
    "too large": "body_too_large",
    "no model": "model_missing",
    "a denied member": "parameter_denied",
    "another case": "parameter_denied",
}
NOT_NEEDED = NEEDED | {
    "not shown": "allowed",
    "cut": "allowed",
    "empty": "allowed",
    "no model": "allowed",
    "a wrong bound": "allowed",
}
UNSEEN = {
    name: "allowed"
    for name in BODIES
    if name not in {"too large", "no model", "a denied member", "another case"}
}
RULES: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "the profile": ({"require_model": True}, {}),
    "the role": ({"require_model": False, "models": ["gpt-4o"]}, {}),
    "the row": (
        {"require_model": False},
        {"users": {"upsert": True, "defaults": {"models": ["gpt-4o"]}}},
    ),
    "money": (
        {"require_model": False},
        {"users": {"upsert": True, "defaults": {"budget": "$100"}}},
    ),
}


async def codes(
    folder: Path, profile: dict[str, object], more: dict[str, object]
) -> dict[str, str]:
    async with open_gate(folder, profiles=rules("internal_user", **profile), **more) as gate:
        return {name: await code_of(gate, asked) for name, asked in BODIES.items()}


@pytest.mark.parametrize("who", RULES)
async def test_sec_58_59_who_needs_the_model_sees_the_body_or_refuses(
    tmp_path: Path, who: str
) -> None:
    profile, more = RULES[who]
    wanted = {name: NEEDED.get(name, "body_not_json") for name in BODIES}
    assert await codes(tmp_path, profile, more) == wanted


async def test_sec_58_where_nobody_needs_it_denied_members_are_still_found(tmp_path: Path) -> None:
    wanted = {name: NOT_NEEDED.get(name, "body_not_json") for name in BODIES}
    free: dict[str, object] = {"require_model": False, "allow_guardrail_changes": True}
    assert await codes(tmp_path, free, {}) == wanted


HIDDEN = {"not shown": "body_not_shown", "cut": "body_not_shown", "empty": "body_not_shown"}


async def test_sec_58_who_may_not_change_guardrails_hides_no_body(tmp_path: Path) -> None:
    wanted = {name: NOT_NEEDED.get(name, "body_not_json") for name in BODIES} | HIDDEN
    assert await codes(tmp_path, {"require_model": False}, {}) == wanted


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("hidden", [BodyState.NOT_SHOWN, BodyState.CUT, b""])
async def test_sec_58_what_a_team_may_not_change_it_may_not_hide(
    tmp_path: Path, hidden: bytes | BodyState, *, said: bool
) -> None:
    run = b"/v1/threads/t/runs"
    async with open_directory(tmp_path / "gatepass.db") as directory:
        await directory.add_team("t1", grants=RowDefaults())
    statement = "UPDATE teams SET may_modify_guardrails = ?"
    query(tmp_path / "gatepass.db", statement, int(said))
    async with open_gate(tmp_path) as gate:
        shown = chat(token(team="t1"), target=run, body=chat_body(guardrails=["x"]))
        assert await code_of(gate, shown) == ("allowed" if said else "guardrails_denied")
        asked = chat(token(team="t1"), target=run, body=hidden)
        assert await code_of(gate, asked) == ("allowed" if said else "body_not_shown")
    unsafe = rules(unsafe_unseen_model_routes=[f"POST {run.decode()}"])
    async with open_gate(tmp_path, profiles=unsafe) as gate:
        assert await code_of(gate, asked) == "allowed"


@pytest.mark.parametrize("who", RULES)
async def test_an_unsafe_setting_lets_what_cannot_be_read_through(tmp_path: Path, who: str) -> None:
    profile, more = RULES[who]
    unsafe = {**profile, "unsafe_unseen_model_routes": ["POST /v1/chat/completions"]}
    wanted = {name: NEEDED.get(name, "body_not_json") for name in BODIES} | UNSEEN
    assert await codes(tmp_path, unsafe, more) == wanted


async def test_an_unsafe_setting_holds_for_its_routes_alone(tmp_path: Path) -> None:
    unsafe = rules(unsafe_unseen_model_routes=["GET /v1/chat/completions", "/v1/embeddings"])
    async with open_gate(tmp_path, profiles=unsafe) as gate:
        assert await code_of(gate, BODIES["not shown"]) == "body_not_shown"
        hidden = chat(target=b"/v1/embeddings", body=BodyState.NOT_SHOWN)
        assert await code_of(gate, hidden) == "allowed"


MODEL = "model_denied"
SESSIONS = b"/v1/realtime/transcription_sessions"
SECRETS = b"/v1/realtime/client_secrets"
TRANSCRIBER = {"model": "o1"}
PATHS = [
    (b"/openai/deployments/gpt-4o/chat/completions", chat_body(model=None), "allowed"),
    (b"/openai/deployments/gpt-4o/chat/completions", chat_body(model="gpt-4o"), "allowed"),
    (b"/openai/deployments/gpt-4o/chat/completions", chat_body(model="o1"), "model_denied"),
    (b"/openai/deployments/o1/chat/completions", chat_body(model="gpt-4o"), "model_denied"),
    (b"/openai/deployments/o1/chat/completions", chat_body(model=None), "model_denied"),
    (b"/openai/deployments/gpt-4o,o1/chat/completions", chat_body(model=None), "model_denied"),
    (b"/openai/deployments/gpt-4o%20/chat/completions", chat_body(model=None), "model_denied"),
    (b"/v1/chat/completions?user=u&trace", chat_body(), "allowed"),
    (b"/v1/chat/completions?api-version=2024-10-21", chat_body(), "allowed"),
    (b"/v1/chat/completions?model=o1", chat_body(), "parameter_denied"),
    (b"/v1/chat/completions?model=gpt-4o", chat_body(), "parameter_denied"),
    (b"/v1/chat/completions?x=1&Mod%65l=o1", chat_body(), "parameter_denied"),
    (b"/v1/chat/completions?x;model=o1", chat_body(), "parameter_denied"),
    (b"/v1/chat/completions?model[]=o1", chat_body(), "parameter_denied"),
    (b"/v1/chat/completions?+model=o1", chat_body(), "parameter_denied"),
    (b"/v1/chat/completions?api_base=http://evil.example", chat_body(), "parameter_denied"),
    (b"/v1/embeddings", b'{"input": "x"}', "model_missing"),
    (b"/v1/threads", b"{}", "model_missing"),
    (b"/v1/threads/t/runs", b'{"assistant_id": "a"}', "model_missing"),
    (b"/v1/batches", b'{"input_file_id": "f"}', "model_missing"),
    (b"/v1/batches", b'{"input_file_id": "f", "model": "gpt-4o"}', "file_not_shown"),
    (b"/v1/batches", b'{"INPUT_FILE_ID": "f", "model": "gpt-4o"}', "parameter_denied"),
    (b"/v1/batches?input_file_id=f", chat_body(), "parameter_denied"),
    (b"/v1/batches", b'{"input_file_id": null, "model": "gpt-4o"}', "allowed"),
    (b"/v1/fine_tuning/jobs", b'{"training_file": "f", "model": "gpt-4o"}', "file_not_shown"),
    (b"/v1/responses", chat_body(tools=[{"type": "image_generation", "model": "o1"}]), MODEL),
    (b"/v1/responses", chat_body(tools=[{"type": "web_search"}]), "allowed"),
    (b"/v1/files?target_model_names=o1", b"x", "allowed"),
    (b"/v1/batches?target_model_names=o1", chat_body(), "parameter_denied"),
    (b"/v1/threads/t/runs", b'{"model": "o1"}', "model_denied"),
    (SESSIONS, chat_body(input_audio_transcription={"model": "o1"}), MODEL),
    (SESSIONS, chat_body(input_audio_transcription={"model": "gpt-4o"}), "allowed"),
    (SECRETS, chat_body(session={"audio": {"input": {"transcription": TRANSCRIBER}}}), MODEL),
    (b"/v1/chat/completions", chat_body(plugins=[{"id": "fusion", "model": "o1"}]), MODEL),
    (b"/v1/chat/completions", chat_body(data_sources=[]), "parameter_denied"),
    (b"/v1/chat/completions", chat_body(audio={"voice": "alloy"}), "allowed"),
    (b"/v1/files", BodyState.TOO_LARGE, "allowed"),
    (b"/v1/files", b"\x89PNG", "allowed"),
]


@pytest.mark.parametrize(("target", "body", "code"), PATHS)
async def test_sec_34_58_every_model_that_is_named_counts(
    tmp_path: Path, target: bytes, body: bytes | BodyState, code: str
) -> None:
    async with open_gate(tmp_path, profiles=rules(models=["gpt-4o"])) as gate:
        assert await code_of(gate, chat(target=target, body=body)) == code


async def test_an_allowed_parameter_is_allowed_in_its_own_spelling(tmp_path: Path) -> None:
    async with open_gate(tmp_path, profiles=rules(allow_parameters=["fallbacks"])) as gate:
        assert await code_of(gate, chat(body=chat_body(fallbacks=["o1"]))) == "allowed"
        assert await code_of(gate, chat(body=chat_body(Fallbacks=["o1"]))) == "parameter_denied"
        assert await code_of(gate, chat(body=chat_body(api_base="x"))) == "parameter_denied"


FILES = [
    (b"/v1/batches", chat_body(input_file_id="f")),
    (b"/v1/fine_tuning/jobs", chat_body(training_file="f", validation_file="g")),
    (b"/v1/chat/completions", chat_body(requests=[{"params": {"input_file_ids": ["f"]}}])),
    (b"/gemini/v1beta/models/gpt-4o:batchGenerateContent", b'{"batch": {"input_config": {}}}'),
]


@pytest.mark.parametrize(("target", "body"), FILES)
@pytest.mark.parametrize("budget", ["$100", "3 requests", "1000000 tokens"])
async def test_sec_58_a_file_of_requests_passes_no_budget(
    tmp_path: Path, target: bytes, body: bytes, budget: str
) -> None:
    """Neither their models nor their number is known: a cheap name would pay for all of them."""
    asked = chat(target=target, body=body)
    permission = {"routes": ["/v1/*", "/gemini/*"], "models": "all"}
    open_to_all = {"permissions": {"internal_user": permission}}
    users = {"upsert": True, "defaults": {"budget": budget}}
    async with open_gate(tmp_path, profiles={"default": open_to_all}, users=users) as gate:
        assert await code_of(gate, asked) == "file_not_shown"
    unsafe = {**open_to_all, "unsafe_unseen_model_routes": [f"POST {target.decode()}"]}
    async with open_gate(tmp_path, profiles={"default": unsafe}, users=users) as gate:
        assert await code_of(gate, asked) == "allowed"
    async with open_gate(tmp_path, profiles={"default": open_to_all}) as gate:
        other = chat(token(sub="ben", user="ben"), target=target, body=body)
        assert await code_of(gate, other) == "allowed"
