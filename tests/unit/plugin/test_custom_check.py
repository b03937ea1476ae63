"""The deployment's own check: only a plain True passes, and nothing that it does harms us."""

import asyncio
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin import custom_check
from gatepass.plugin.custom_check import CustomCheck, load_check
from gatepass.plugin.errors import CustomCheckFailed
from support.gates import chat, code_of, open_gate, token

CLAIMS: Mapping[str, object] = {"sub": "ann", "groups": ["a"]}


async def test_true_passes_and_false_refuses() -> None:
    assert not await CustomCheck(lambda _: True, 5).refuses(CLAIMS)
    assert await CustomCheck(lambda _: False, 5).refuses(CLAIMS)


@pytest.mark.parametrize("said", [None, 1, 0, "yes", "", [True], {}, object()])
async def test_sec_41_anything_else_is_no_answer(said: object) -> None:
    with pytest.raises(CustomCheckFailed):
        await CustomCheck(lambda _: said, 5).refuses(CLAIMS)


async def _coroutine() -> bool:
    return True


async def test_sec_41_a_coroutine_is_no_answer() -> None:
    work = _coroutine()
    with pytest.raises(CustomCheckFailed):
        await CustomCheck(lambda _: work, 5).refuses(CLAIMS)
    work.close()


@pytest.mark.parametrize("error", [ValueError("secret"), SystemExit(0), KeyboardInterrupt()])
async def test_sec_41_60_an_exception_is_no_answer_and_tells_nothing(error: BaseException) -> None:
    def check(_: dict[str, object]) -> bool:
        raise error

    with pytest.raises(CustomCheckFailed) as failed:
        await CustomCheck(check, 5).refuses(CLAIMS)
    assert "secret" not in str(failed.value)


async def test_it_gets_a_copy() -> None:
    def check(claims: dict[str, object]) -> bool:
        groups = claims["groups"]
        assert isinstance(groups, list)
        groups.append("admins")
        claims["sub"] = "bob"
        return True

    await CustomCheck(check, 5).refuses(CLAIMS)
    assert CLAIMS == {"sub": "ann", "groups": ["a"]}


async def all_slots_come_back(check: CustomCheck, count: int) -> None:
    async with asyncio.timeout(5):
        for _ in range(count):
            await check._slots.acquire()
    for _ in range(count):
        check._slots.release()


async def test_sec_41_no_answer_in_time_is_no_answer_and_the_late_one_harms_nobody() -> None:
    ended = threading.Event()
    check = CustomCheck(lambda _: ended.wait(10), 0.02)
    with pytest.raises(CustomCheckFailed):
        await check.refuses(CLAIMS)
    ended.set()
    await all_slots_come_back(check, custom_check.MAX_THREADS)


async def test_sec_41_threads_that_hang_keep_their_slots_and_no_more_are_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(custom_check, "MAX_THREADS", 2)
    ended, started = threading.Event(), []

    def hang(_: dict[str, object]) -> bool:
        started.append(threading.current_thread())
        return ended.wait(10)

    check = CustomCheck(hang, 0.02)
    for _ in range(4):
        with pytest.raises(CustomCheckFailed):
            await check.refuses(CLAIMS)
    assert len(started) == 2
    assert all(thread.daemon for thread in started)
    ended.set()
    await all_slots_come_back(check, 2)
    assert not await check.refuses(CLAIMS)


async def test_sec_41_a_system_without_threads_gives_no_answer() -> None:
    def start(_: Callable[[], None]) -> None:
        raise RuntimeError

    check = CustomCheck(lambda _: True, 5, start)
    with pytest.raises(CustomCheckFailed):
        await check.refuses(CLAIMS)
    await all_slots_come_back(check, custom_check.MAX_THREADS)


def test_a_thread_that_outlives_its_loop_ends_in_peace() -> None:
    ended = threading.Event()
    threads: list[threading.Thread] = []

    def hang(_: dict[str, object]) -> bool:
        threads.append(threading.current_thread())
        return ended.wait(10)

    async def ask() -> None:
        with pytest.raises(CustomCheckFailed):
            await CustomCheck(hang, 0.02).refuses(CLAIMS)

    asyncio.run(ask())
    ended.set()
    threads[0].join(5)
    assert not threads[0].is_alive()


MODULE = """
def check(claims):
    return claims["user"] != "bob"

number = 1
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "gatepass_own_check.py").write_text(MODULE)
    (tmp_path / "gatepass_broken_check.py").write_text("raise ValueError('secret')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "gatepass_own_check", raising=False)
    return "gatepass_own_check"


def test_a_function_is_found_by_its_name(module: str) -> None:
    assert load_check(f"{module}:check")({"user": "ann"}) is True


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("gatepass_own_check:missing", "no function"),
        ("gatepass_own_check:number", "no function"),
        ("gatepass_no_such_module:check", "cannot be imported (ModuleNotFoundError)"),
        ("gatepass_broken_check:check", "cannot be imported (ValueError)"),
    ],
)
@pytest.mark.usefixtures("module")
def test_sec_60_what_cannot_be_a_check_is_a_problem_of_the_settings(
    name: str, sentence: str
) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        load_check(name)
    assert sentence in str(wrong.value)
    assert "secret" not in str(wrong.value)


async def test_the_check_of_the_settings_has_the_last_word(tmp_path: Path, module: str) -> None:
    async with open_gate(tmp_path, checks={"custom": f"{module}:check"}) as gate:
        assert await code_of(gate, chat(token(user="ann"))) == "allowed"
        bob = token(user="bob", sub="bob")
        for _ in range(2):
            assert await code_of(gate, chat(bob)) == "custom_check_denied"
        assert await code_of(gate, chat(bob, target=b"/key/generate")) == "route_denied"


async def test_sec_41_a_check_that_does_not_answer_is_503(tmp_path: Path, module: str) -> None:
    (tmp_path / "gatepass_silent_check.py").write_text("def check(claims): pass")
    assert module
    async with open_gate(tmp_path, checks={"custom": "gatepass_silent_check:check"}) as gate:
        assert await code_of(gate, chat(token())) == "custom_check_failed"
