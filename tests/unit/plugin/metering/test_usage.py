import pytest

from gatepass.plugin.metering.prices import Usage
from gatepass.plugin.metering.usage import usage_from_body


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        (b'{"usage": {"prompt_tokens": 7, "completion_tokens": 3}}', Usage(7, 3)),
        (b'{"usage": {"prompt_tokens": 7, "total_tokens": 7}}', Usage(7, 0)),
        (b'{"usage": {"input_tokens": 7, "output_tokens": 3}}', Usage(7, 3)),
        (b'{"id": "x", "usage": {"prompt_tokens": 0, "completion_tokens": 0}}', Usage(0, 0)),
    ],
)
def test_both_spellings_are_read(body: bytes, usage: Usage) -> None:
    assert usage_from_body(body) == usage


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b"null",
        b"{}",
        b'{"usage": null}',
        b'{"usage": []}',
        b'{"usage": {}}',
        b'{"usage": {"input_tokens": 5}}',
        b'{"usage": {"output_tokens": 5}}',
        b'{"usage": {"prompt_tokens": "7", "completion_tokens": 3}}',
        b'{"usage": {"prompt_tokens": 7.0, "completion_tokens": 3}}',
        b'{"usage": {"prompt_tokens": true, "completion_tokens": 3}}',
        b'{"usage": {"prompt_tokens": -7, "completion_tokens": 3}}',
        b'{"usage": {"prompt_tokens": NaN, "completion_tokens": 3}}',
        b'{"usage": {"prompt_tokens": 1e3, "completion_tokens": 3}}',
        b'{"usage": {"prompt_tokens": 7, "completion_tokens": null}}',
        b'{"usage": {"prompt_tokens": 7000000000000, "completion_tokens": 3}}',
    ],
    ids=lambda body: repr(body[:60]),
)
def test_sec_59_what_states_no_usage_is_not_free(body: bytes) -> None:
    assert usage_from_body(body) is None
