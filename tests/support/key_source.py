"""A source of keys that tests write the script for."""

import asyncio


class ScriptedSource:
    """Answers every load with `answer`; while `gate` is closed, loads wait for it."""

    def __init__(self, answer: bytes | BaseException, *, fixed: bool = False) -> None:
        self.answer = answer
        self.loads = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._fixed = fixed

    @property
    def fixed(self) -> bool:
        return self._fixed

    async def load(self) -> bytes:
        self.loads += 1
        await self.gate.wait()
        if isinstance(self.answer, bytes):
            return self.answer
        raise self.answer
