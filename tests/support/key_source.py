"""A source of keys that tests write the script for."""

import asyncio

from gatepass.jwks.document import Document


class ScriptedSource:
    """Answers every load with `answer`; while `gate` is closed, loads wait for it.

    `fresh_seconds` is what the server says about bytes; `before` is what the last load was given.
    """

    def __init__(self, answer: bytes | BaseException, *, fixed: bool = False) -> None:
        self.answer = answer
        self.fresh_seconds: float | None = None
        self.before: Document | None = None
        self.loads = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._fixed = fixed

    @property
    def fixed(self) -> bool:
        return self._fixed

    @property
    def place(self) -> str | None:
        return "https://idp.example/scripted"

    async def load(self, before: Document | None = None) -> Document:
        self.loads += 1
        self.before = before
        await self.gate.wait()
        if isinstance(self.answer, bytes):
            return Document(self.answer, fresh_seconds=self.fresh_seconds)
        raise self.answer
