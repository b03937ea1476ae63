"""The doors together, and how many processes stand at them."""

import pytest

from gatepass.plugin.budgets.engines import EngineKind
from gatepass.plugin.gateways.apisix.bounds import MAX_BODY_BYTES
from gatepass.plugin.settings import compile_settings
from support.settings import sentences_of, settings_with

UNCOUNTED = {"engine": "none"}


def test_one_process_counts_unless_said() -> None:
    compiled = compile_settings(settings_with())
    assert (compiled.workers, compiled.budget_engine) == (1, EngineKind.MEMORY)


@pytest.mark.parametrize("workers", [1, "2", 64])
def test_workers_that_do_not_count(workers: object) -> None:
    compiled = compile_settings(settings_with(doors={"workers": workers}, budgets=UNCOUNTED))
    assert compiled.workers == int(str(workers))
    assert compiled.budget_engine is EngineKind.NONE


@pytest.mark.parametrize("workers", [0, 65, -1, "1.5", "two", True, [2]])
def test_what_is_no_number_of_workers(workers: object) -> None:
    (told,) = sentences_of(doors={"workers": workers}, budgets=UNCOUNTED)
    assert told.startswith("doors.workers: ")


@pytest.mark.parametrize("budgets", [{}, {"engine": "memory"}])
def test_sec_59_several_workers_would_each_count_for_themselves(budgets: dict[str, str]) -> None:
    (told,) = sentences_of(doors={"workers": 2}, budgets=budgets)
    assert told.startswith("doors.workers: budgets are counted in process")
    assert "budgets.engine: none" in told


def test_another_engine_is_refused() -> None:
    assert sentences_of(budgets={"engine": "abacus"}) == [
        "budgets.engine: must be one of memory, sql, redis, none"
    ]


def test_responses_are_read_only_where_the_settings_want_it() -> None:
    def reads(**door: object) -> bool:
        apisix = compile_settings(settings_with(doors={"apisix": door})).apisix
        assert apisix is not None
        return apisix.read_responses

    assert not reads()
    assert reads(read_responses=True)
    assert not reads(read_responses="false")


@pytest.mark.parametrize("said", ["16383KiB", "1KiB"])
def test_a_body_that_a_frame_of_apisix_carries(said: str) -> None:
    compiled = compile_settings(settings_with(doors={"apisix": {"max_body": said}}))
    assert compiled.apisix is not None
    assert compiled.apisix.max_body_bytes <= MAX_BODY_BYTES


@pytest.mark.parametrize("said", ["16384KiB", "16MiB", "64MiB"])
def test_a_body_that_no_frame_of_apisix_carries_is_refused_at_load(said: str) -> None:
    assert sentences_of(doors={"apisix": {"max_body": said}}) == [
        "doors.apisix.max_body: must be from 1KiB to 16383KiB"
    ]


ONE = "/run/g.sock"
HTTP, KONG, APISIX = {"listen": f"unix:{ONE}"}, {"socket": ONE}, {"socket": ONE}
BY_HTTP = "the HTTP decision service listens there already"


@pytest.mark.parametrize(
    ("doors", "problems"),
    [
        ({"http": HTTP, "kong": KONG}, [f"doors.kong.socket: {BY_HTTP}"]),
        ({"http": HTTP, "apisix": APISIX}, [f"doors.apisix.socket: {BY_HTTP}"]),
        (
            {"kong": KONG, "apisix": APISIX},
            ["doors.apisix.socket: the plugin server for Kong listens there already"],
        ),
        (
            {"http": HTTP, "kong": KONG, "apisix": APISIX},
            [f"doors.apisix.socket: {BY_HTTP}", f"doors.kong.socket: {BY_HTTP}"],
        ),
    ],
)
def test_two_doors_cannot_have_one_socket(doors: dict[str, object], problems: list[str]) -> None:
    assert sentences_of(doors=doors) == problems


def test_three_doors_with_sockets_of_their_own() -> None:
    doors = {"http": HTTP, "kong": {"socket": "/run/k.sock"}, "apisix": {"socket": "/run/a.sock"}}
    assert compile_settings(settings_with(doors=doors)).apisix is not None
    assert compile_settings(settings_with(doors={"http": HTTP, "apisix": {}})).apisix is not None
