"""When a runner that its gateway has started ends, because whoever started it is gone.

APISIX's agent ends its runner before it ends itself; an agent that was killed cannot, and the next
one starts a runner of its own. The old one would hold what only one process may hold, and nobody
would ever end it.
"""

import logging
import os
from collections.abc import Callable

_log = logging.getLogger("gatepass.serve")


class Orphaned:
    """Answers, again and again, whether to end; `parent` returns the id of the parent process."""

    def __init__(self, parent: Callable[[], int] = os.getppid) -> None:
        self._parent = parent
        self._started_by = parent()

    def __call__(self) -> bool:
        """Answer whether the process that started this one has ended, and log it."""
        if self._parent() == self._started_by:
            return False
        _log.error("the process that started this runner has ended, and so does the runner")
        return True
