"""Whatever an upstream could read as an order to its guardrails is one."""

import json
from pathlib import Path

import pytest

from gatepass.plugin.guardrails import GUARDRAIL_MEMBERS, changes_guardrails
from support.gates import chat, chat_body, code_of, open_gate, rules, token

KEYS = sorted(GUARDRAIL_MEMBERS)


def test_the_four_members_are_those_of_the_peer() -> None:
    assert KEYS == [
        "disable_global_guardrail",
        "disable_global_guardrails",
        "guardrails",
        "opted_out_global_guardrails",
    ]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("value", [["x"], [], {}, None, False, "", 0])
def test_sec_58_that_a_member_is_there_counts_whatever_it_says(key: str, value: object) -> None:
    order = {key: value}
    assert changes_guardrails(order)
    for metadata in ("metadata", "litellm_metadata"):
        assert changes_guardrails({metadata: order})
        assert changes_guardrails({metadata: {"a": 1, key.upper(): value}})
        assert changes_guardrails({metadata: json.dumps(order)})
        assert changes_guardrails({metadata: " \n" + json.dumps(order)})


@pytest.mark.parametrize(
    "text",
    [
        '{"guardrails": [], "guardrails": []}',
        '{"a": 1, "a": 2}',
        "{'guardrails': []}",
        '{"guardrails": []} x',
        '{"guardrails": NaN}',
        '{"guardr\\u0061ils": []}',
        "{",
        "{\ud800}",
    ],
)
def test_sec_58_metadata_that_somebody_less_strict_could_read_counts(text: str) -> None:
    assert changes_guardrails({"metadata": text})


@pytest.mark.parametrize(
    "metadata",
    [
        *({}, {"a": "guardrails"}, {"a": {"guardrails": []}}, ["guardrails"], 1, True, None),
        *("{}", '{"a": 1}', "guardrails", "", '["guardrails"]', '"{}"'),
    ],
)
def test_metadata_that_orders_nothing(metadata: object) -> None:
    assert not changes_guardrails({"metadata": metadata, "model": "m"})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (chat_body(guardrails=["x"]), "guardrails_denied"),
        (chat_body(metadata={"guardrails": ["x"]}), "guardrails_denied"),
        (chat_body(metadata='{"disable_global_guardrails": true}'), "guardrails_denied"),
        (chat_body(Guardrails=["x"]), "parameter_denied"),
        (chat_body(METADATA={"guardrails": []}), "parameter_denied"),
        (chat_body(litellm_metadata={"guardrails": []}), "parameter_denied"),
        (chat_body(metadata={"trace": "1"}), "allowed"),
    ],
)
async def test_sec_58_a_caller_may_not_switch_off_what_guards(
    tmp_path: Path, body: bytes, code: str
) -> None:
    async with open_gate(tmp_path) as gate:
        assert await code_of(gate, chat(body=body)) == code
        assert await code_of(gate, chat(token(team="t"), body=body)) == code


async def test_a_profile_may_let_callers_without_a_team_change_guardrails(tmp_path: Path) -> None:
    body = chat_body(guardrails=["x"])
    async with open_gate(tmp_path, profiles=rules(allow_guardrail_changes=True)) as gate:
        assert await code_of(gate, chat(body=body)) == "allowed"
        assert await code_of(gate, chat(token(team="t"), body=body)) == "guardrails_denied"


@pytest.mark.parametrize(
    "query", [b"guardrails=x", b"Metadata=%7B%7D", b"disable_global_guardrail"]
)
async def test_sec_34_58_a_query_may_not_order_guardrails(tmp_path: Path, query: bytes) -> None:
    async with open_gate(tmp_path, profiles=rules(allow_guardrail_changes=True)) as gate:
        asked = chat(target=b"/v1/chat/completions?" + query)
        assert await code_of(gate, asked) == "parameter_denied"
