"""The table of answers is closed, complete and written down."""

from pathlib import Path

from gatepass.jwks.errors import TokenFault
from gatepass.plugin.reasons import REASON_BY_CODE, Reason
from gatepass.plugin.refusals import challenge
from gatepass.rbac.errors import AccessFault

DOCS = Path(__file__).resolve().parents[3] / "docs" / "reasons.md"
STATUSES = {200, 400, 401, 403, 413, 429, 431, 503}

INTRODUCTION = """# Reasons

Every answer of Gatepass has one of these codes. A client receives the code and the sentence in the
shape that OpenAI clients parse, `{"error": {"message", "type", "param", "code"}}`; nothing of the
request is ever repeated in them. 401 comes with `WWW-Authenticate` (RFC 6750, RFC 9449), 429 with
`Retry-After`. This page is printed from `plugin/reasons.py` by a test.

400 the request is malformed · 401 get another token · 403 a good token that may not · 413 and 431
too large · 429 a budget is used up · 503 Gatepass cannot know

| status | code | message |
| --- | --- | --- |
"""


def page() -> str:
    rows = [f"| {reason.status} | `{reason.code}` | {reason.sentence} |\n" for reason in Reason]
    return INTRODUCTION + "".join(rows)


def test_the_page_of_reasons_is_true() -> None:
    if not DOCS.exists() or DOCS.read_text() != page():
        DOCS.write_text(page())
        raise AssertionError("docs/reasons.md was not true; it has been printed anew, look at it")


def test_codes_are_unique_and_statuses_are_those_of_the_table() -> None:
    assert len(REASON_BY_CODE) == len(Reason)
    assert {reason.status for reason in Reason} == STATUSES


def test_every_fault_of_the_core_has_a_reason_of_its_own() -> None:
    for fault in TokenFault:
        assert REASON_BY_CODE[fault.value].status == 401
    for access in AccessFault:
        malformed = {AccessFault.AMBIGUOUS_PATH, AccessFault.USER_PARAMETER_MISSING}
        expected = 400 if access in malformed else 403
        assert REASON_BY_CODE[access.value].status == expected


def test_sec_64_only_401_carries_a_challenge_and_a_missing_token_no_error_code() -> None:
    for reason in Reason:
        headers = dict(challenge(reason))
        assert (b"www-authenticate" in headers) == (reason.status == 401)
    assert b"error=" not in dict(challenge(Reason.NO_TOKEN))[b"www-authenticate"]
    assert b'error="invalid_token"' in dict(challenge(Reason.EXPIRED))[b"www-authenticate"]
