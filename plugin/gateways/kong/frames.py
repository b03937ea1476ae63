"""Frames out of a stream: a length of four bytes, then so many bytes, however the stream is cut.

Kong sends the length and the content apart, and nothing says where a read ends; so what is not
complete is kept, without being joined again and again. A frame above the limit is never kept: it is
announced, and its bytes are dropped as they come.
"""

import asyncio

from gatepass.plugin.gateways.kong.protobuf import LENGTH_BYTES, read_length

HEADERS_LIMIT = 1024 * 1024
"""More than nginx lets through of a request's head, many times over."""


class FramedProtocol(asyncio.Protocol):
    """Cuts what arrives into frames; `limit` bounds the next one, in bytes."""

    limit = HEADERS_LIMIT
    deaf = False
    """Set when nothing that still arrives matters."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        self._have = 0
        self._wanted = 0
        self._skip = 0

    def frames_received(self, messages: list[bytes]) -> None:
        """Take the contents of frames, in their order."""
        raise NotImplementedError

    def frame_too_large(self) -> None:
        """Take note of a frame above the limit."""
        raise NotImplementedError

    def data_received(self, data: bytes) -> None:
        """Take what arrived."""
        if self._kept:
            self._kept.append(data)
            self._have += len(data)
            if self._have < self._wanted:
                return
            data = b"".join(self._kept)
            self._kept.clear()
        at, end = 0, len(data)
        if self._skip:
            at = min(self._skip, end)
            self._skip -= at
        messages: list[bytes] = []
        wanted = LENGTH_BYTES
        while end - at >= LENGTH_BYTES:
            (size,) = read_length(data, at)
            content = at + LENGTH_BYTES
            if size > self.limit:
                self._skip = max(0, content + size - end)
                at = min(content + size, end)
                self._deliver(messages)
                messages = []
                if not self.deaf:
                    self.frame_too_large()
            elif content + size <= end:
                at = content + size
                messages.append(data[content:at])
            else:
                wanted = LENGTH_BYTES + size
                break
        self._deliver(messages)
        if at < end and not self.deaf:
            self._kept.append(data[at:])
            self._have, self._wanted = end - at, wanted

    def _deliver(self, messages: list[bytes]) -> None:
        if messages and not self.deaf:
            self.frames_received(messages)
