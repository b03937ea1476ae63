"""The pages beside the decisions."""

import json

import pytest

from gatepass.plugin.gateways.http_door import decision_app
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from support.asgi import Exchange, exchange, http_scope
from support.doors import Bounds, ScriptedDecider

REFUSALS = [reason for reason in Reason if reason is not Reason.ALLOWED]


async def page(
    target: bytes,
    *headers: tuple[bytes, bytes],
    method: str = "GET",
    decider: ScriptedDecider | None = None,
) -> Exchange:
    app = decision_app(decider or ScriptedDecider(), Bounds())
    done = await exchange(app, http_scope(method, target, headers))
    assert done.values(b"cache-control") == [b"no-store"]
    assert len(done.values(b"content-length")) == 1
    return done


async def test_alive_as_long_as_the_loop_runs() -> None:
    assert (await page(b"/healthz", decider=ScriptedDecider(ready=False))).status == 200


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
async def test_ready_or_not_and_no_more_than_that(*, ready: bool, status: int) -> None:
    done = await page(b"/readyz", decider=ScriptedDecider(ready=ready))
    assert done.status == status
    assert json.loads(done.body) == {"ready": ready}


@pytest.mark.parametrize("reason", REFUSALS)
async def test_sec_64_a_refusal_looks_as_if_it_had_been_passed_on(reason: Reason) -> None:
    refusal = refuse_for(reason)
    done = await page(b"/denied/" + reason.code.encode())
    assert (done.status, done.body) == (refusal.status, refusal.body)
    assert set(refusal.response_headers) <= set(done.headers)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_the_refused_request_may_have_had_any_method(method: str) -> None:
    assert (await page(b"/denied/no_token", method=method)).status == 401


@pytest.mark.parametrize(
    ("value", "retry_after"),
    [
        (b"17", [b"17"]),
        (b"", []),
        (b"-1", []),
        (b"1e9", []),
        (b"99999999999", []),
        (b"\xb2", []),
        (b"17\xa0", []),
        (b"soon", []),
    ],
)
async def test_when_to_retry_is_a_number_or_nothing(value: bytes, retry_after: list[bytes]) -> None:
    done = await page(b"/denied/budget_exceeded", (b"x-gatepass-retry-after", value))
    assert (done.status, done.values(b"retry-after")) == (429, retry_after)


@pytest.mark.parametrize(
    "target",
    [b"/denied/allowed", b"/denied/", b"/denied/x", b"/denied/no_token/", b"/denied/%6eo_token%00"],
)
async def test_a_code_that_is_not_in_the_table_is_404(target: bytes) -> None:
    done = await page(target)
    assert (done.status, json.loads(done.body)) == (404, {"status": 404})


@pytest.mark.parametrize("target", [b"/healthz", b"/readyz"])
async def test_another_method_is_405(target: bytes) -> None:
    assert (await page(target, method="POST")).status == 405


async def test_no_page_is_found_by_adding_a_slash() -> None:
    done = await page(b"/healthz/", (b"host", b"evil.example"))
    assert done.status == 404
    assert done.values(b"location") == []
