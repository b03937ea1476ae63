"""Reading a request body that nginx wrote to a file.

Rules: only a regular file, not by a link at its end, is read, and never more than the limit. The
file was written a moment ago, so that reading it comes out of the page cache and costs less than
handing it to a thread; whoever names it, Kong, is believed like the socket that it came over.
"""

import os
import stat

from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.gateways.kong.calls import SpooledBody
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import BodyState

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def read_spooled(body: SpooledBody, limit_bytes: int) -> bytes | BodyState:
    """Return the body, or BodyState.TOO_LARGE.

    Raises:
        RequestRefused: GATEWAY_ERROR when the file cannot be read: it is another account's, or
            gone because the client is.

    """
    try:
        descriptor = os.open(body.path, _FLAGS)
        try:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                raise RequestRefused(Reason.GATEWAY_ERROR)
            if facts.st_size > limit_bytes:
                return BodyState.TOO_LARGE
            content = _read_whole(descriptor, facts.st_size)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:  # a path that holds a NUL is a ValueError
        raise RequestRefused(Reason.GATEWAY_ERROR) from error
    if len(content) != facts.st_size:
        raise RequestRefused(Reason.GATEWAY_ERROR)
    return content


def _read_whole(descriptor: int, size: int) -> bytes:
    """Read up to the size that the file has, and one octet more if it grows."""
    chunks = []
    wanted = size + 1
    while wanted > 0 and (chunk := os.read(descriptor, wanted)):
        chunks.append(chunk)
        wanted -= len(chunk)
    return b"".join(chunks)
