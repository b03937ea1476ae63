"""Header names, as a gateway's upstream may read them: case does not count, and `_` reads as `-`.

CGI-like upstreams cannot tell `X_User_Id` from `X-User-Id`, so a header that only we may set is
recognized in every such spelling (SEC-44; CVE-2025-64484 is what happens otherwise).
"""

Header = tuple[bytes, bytes]
"""A header name and its value, as bytes."""

REQUEST_ID = b"x-gatepass-request"
"""Tells the upstream, and whoever reports its usage, which request this is; ours alone to set."""


def fold_name(name: bytes) -> bytes:
    """Return the one spelling that stands for every spelling of a header name."""
    return name.lower().replace(b"_", b"-")


def header_text(value: str) -> bytes:
    """Return a claim's text as a header value: printable ASCII stays, all else is percent-encoded.

    `%` itself is encoded too, and so are blanks at the ends, which a header would lose: decoding
    gives the text back exactly (SEC-47).
    """
    if value.isascii() and value.isprintable() and "%" not in value and value == value.strip():
        return value.encode("ascii")
    text = b"".join(
        bytes((octet,)) if 0x20 <= octet < 0x7F and octet != 0x25 else b"%%%02X" % octet  # noqa: PLR2004 - ASCII's printable range without %
        for octet in value.encode("utf-8", "surrogatepass")
    )
    inner = text.strip(b" ")
    before = len(text) - len(text.lstrip(b" "))
    return b"%20" * before + inner + b"%20" * (len(text) - before - len(inner))
