"""The pages that nginx and APISIX answer by themselves."""

from http import HTTPStatus

from support.apisix.results import Answered

APISIX = "APISIX/3.16.0"
NGINX = "openresty"
_PHRASES = {302: "Moved Temporarily", 503: "Service Temporarily Unavailable"}
_PAGE = (
    "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>"
    "\r\n<hr><center>openresty</center>\r\n<p><em>Powered by "
    '<a href="https://apisix.apache.org/">APISIX</a>.</em></p></body>\r\n</html>\r\n'
)
NOT_FOUND = Answered(
    404,
    (
        *(("Content-Type", "text/plain; charset=utf-8"), ("Transfer-Encoding", "chunked")),
        ("Server", APISIX),
    ),
    b'{"error_msg":"404 Route Not Found"}\n',
    from_runner=False,
)
"""What a client gets for a path that no route has."""


def page(status: int, server: str = APISIX, *, from_runner: bool = False) -> Answered:
    """Return the page of a status."""
    try:
        phrase = _PHRASES.get(status) or HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    body = _PAGE.format(title=f"{status} {phrase}").encode()
    headers = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Server", server),
    )
    return Answered(status, headers, body, from_runner)
