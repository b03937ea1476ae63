"""The groups that a token leaves out because they are too many, from a function of the deployment.

It is an async function that gets a copy of the claims of a verified token and returns a list of
texts: what the token would have listed. Anything else, an exception, or no answer in time is a
failure (503) and never "no groups". Its answer is remembered with the caller, no longer than their
rows. It runs in the event loop that decides: it must wait for its answer, not block.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.errors import GroupsNotResolved
from gatepass.plugin.functions import load_function
from gatepass.rbac.claims import plain_texts
from gatepass.rbac.errors import AccessDenied

MAX_GROUPS = 5_000

Ask = Callable[[dict[str, object]], Awaitable[object]]


class GroupsResolver:
    """Asks one function for groups; `deadline_seconds` is for each answer."""

    __slots__ = ("_ask", "_deadline_seconds")

    def __init__(self, ask: Ask, deadline_seconds: float) -> None:
        self._ask = ask
        self._deadline_seconds = deadline_seconds

    async def groups_of(self, claims: Mapping[str, object]) -> tuple[str, ...]:
        """Return the groups of the bearer of the claims, each once.

        Raises:
            GroupsNotResolved: the function does not name them.

        """
        copied = deepcopy(dict(claims))
        try:
            async with asyncio.timeout(self._deadline_seconds):
                named = await self._ask(copied)
        except Exception as failure:  # foreign code: whatever it raises is no answer
            raise GroupsNotResolved from failure
        try:
            groups = plain_texts(named)
        except AccessDenied as misshapen:
            raise GroupsNotResolved from misshapen
        if len(groups) > MAX_GROUPS:
            raise GroupsNotResolved
        return groups


def load_resolver(name: str) -> Ask:
    """Import an async function by `module:function`.

    Raises:
        ConfigurationError: there is no such module or function, importing it fails, or it is not
            an async function.

    """
    found = load_function(name, "groups_resolver")
    if not inspect.iscoroutinefunction(found):
        raise ConfigurationError(["groups_resolver: the function must be an async one"])
    resolver: Ask = found
    return resolver
