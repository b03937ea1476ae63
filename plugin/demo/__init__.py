"""The tour: a real identity provider, a real gateway and the real plugin on one machine.

What needs the `demo` extra (Flask, the wheel with Envoy) is imported when the tour starts, so that
Gatepass works without it and the servers of the tour load no more than they need.
"""

import sys
from importlib.util import find_spec

MISSING_EXTRA = 2
"""The exit status when the extra is not installed."""


def run_demo(*, keep: bool, as_json: bool) -> int:
    """Start everything, take the tour, end everything, and return the exit status.

    0: every answer was as it should be. 1: one was not, or a server did not start. 2: the `demo`
    extra is missing. 128 and the signal's number: stopped by a signal on the way. With `keep` the
    servers stay up after the tour until a signal comes; with `as_json` stdout gets one document.
    """
    missing = [name for name in ("flask", "envoy") if find_spec(name) is None]
    if missing:
        sys.stderr.write('The tour needs more packages: pip install "gatepass[demo]"\n')
        return MISSING_EXTRA

    from gatepass.plugin.demo.run import run  # noqa: PLC0415 - see above

    return run(keep=keep, as_json=as_json)
