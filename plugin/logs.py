"""Log lines for people on a terminal, for machines elsewhere: one JSON object a line on stderr.

What may be logged is decided where it is logged: codes, counts, request ids; never a token, a
claim, an e-mail or a path (SEC-60).
"""

import logging
import sys

import structlog

from gatepass.jwks.errors import ConfigurationError

LEVELS = {
    "error": logging.ERROR,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
}


def configure_logs(level: str) -> None:
    """Send our log lines to stderr from this level on.

    Raises:
        ConfigurationError: an unknown level.

    """
    if level not in LEVELS:
        raise ConfigurationError([f"--log-level: one of {', '.join(LEVELS)}"])
    terminal = sys.stderr.isatty()
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logger = logging.getLogger("gatepass")
    logger.handlers = [handler]
    logger.setLevel(LEVELS[level])
    logger.propagate = False
