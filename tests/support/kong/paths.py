"""What Kong, nginx and the upstream each make of one request target.

Three readings: nginx's own uri (every escape decoded, used only to refuse what cannot be read),
Kong's path (what plugins and the router see) and the path sent upstream. Bytes throughout.
"""

import re

RESERVED = frozenset(b"!#$%&'()*+,/:;=?@[]")
"""Escapes of these stay escapes, in upper case."""

_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_UNSAFE = re.compile(rb"[^A-Za-z0-9\-._~!#$%&'()*+,/:;=?@\[\]]")
_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]*://([^/?#]*)(.*)", re.DOTALL)


class Unreadable(Exception):
    """nginx answers 400 to this target, and no plugin is asked."""


def split_target(target: bytes) -> tuple[bytes | None, bytes]:
    """Return the host of an absolute target, if it is one, and the target in origin form."""
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        return None, target
    rest = absolute[2]
    return absolute[1], rest if rest.startswith(b"/") else b"/" + rest


def raw_path(target: bytes) -> bytes:
    """Return the path as sent: the target up to the first question mark."""
    return target.partition(b"?")[0]


def raw_query(target: bytes) -> bytes:
    """Return what follows the first question mark."""
    return target.partition(b"?")[2]


def kong_path(target: bytes) -> bytes:
    """Return kong.request.get_path: what may be decoded is, then slashes and dots are resolved."""
    return _resolved(_ESCAPE.sub(_decode_unless_reserved, raw_path(target)))


def nginx_uri(target: bytes) -> bytes:
    """Return nginx's $uri. Raises Unreadable for what nginx refuses."""
    sent = raw_path(target).partition(b"#")[0]
    if not sent.startswith(b"/") or _BROKEN_ESCAPE.search(sent):
        raise Unreadable
    decoded = _ESCAPE.sub(lambda escape: bytes([int(escape[1], 16)]), sent)
    if b"\0" in decoded or _climbs_out(decoded):
        raise Unreadable
    return _resolved(decoded)


def escaped(path: bytes) -> bytes:
    """Return a path as it is put into the upstream's request line."""
    return _UNSAFE.sub(lambda unsafe: b"%%%02X" % unsafe[0][0], path)


def _decode_unless_reserved(escape: re.Match[bytes]) -> bytes:
    octet = int(escape[1], 16)
    return escape[0].upper() if octet in RESERVED else bytes([octet])


def _climbs_out(path: bytes) -> bool:
    depth = 0
    for segment in path.split(b"/"):
        if segment == b"..":
            depth -= 1
            if depth < 0:
                return True
        elif segment not in {b"", b"."}:
            depth += 1
    return False


def _resolved(path: bytes) -> bytes:
    """Merge slashes, then resolve dots."""
    segments = [segment for segment in path.split(b"/") if segment]
    kept: list[bytes] = []
    for segment in segments:
        if segment == b"..":
            del kept[-1:]
        elif segment != b".":
            kept.append(segment)
    is_folder = path.endswith(b"/") or segments[-1:] in ([b"."], [b".."])
    return b"/" + b"/".join(kept) + (b"/" if kept and is_folder else b"")
