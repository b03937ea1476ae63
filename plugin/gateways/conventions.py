"""How each proxy asks, as values: where the original request stands and what an answer can do.

Envoy: ext_authz over HTTP. Repeats the method, appends the target to `path_prefix`, sends the body
  as the body; removes what the answer lists; makes its own answer of every 5xx.
nginx: auth_request. A subrequest without body; the configuration writes two headers; knows 2xx,
  401 and 403, all else is an error of its own.
Traefik: forwardAuth. A GET with two headers and, if so configured, the body; passes any refusal on.
Caddy: forward_auth. The same without a body.

Every header named here is written by the proxy over whatever the client sent; that is why only
configured proxies may ask at all (peers.py). No rule about requests stands here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gatepass.plugin.reasons import Reason

CONTENT_LENGTH = b"content-length"
TRANSFER_ENCODING = b"transfer-encoding"


@dataclass(frozen=True, slots=True)
class Convention:
    """One proxy's way to ask and to be answered.

    `method_header` and `target_header` carry the original method and target; None means the
    question's own method, and the path after the profile. `cut_header` is there and not "false"
    when the proxy shows only the beginning of the body. `removal_header` names, in the answer, the
    headers that the proxy shall delete; None when it cannot delete any that it does not know.
    `refusals` are the statuses of a refusal that the proxy passes on; None means all.

    What follows from these: `path_parts` is into how many parts the question's path falls at its
    first three slashes, `reads` are the headers that mean something, `only_once` are those of them
    that may not be repeated.
    """

    name: str
    method_header: bytes | None = None
    target_header: bytes | None = None
    shows_body: bool = False
    cut_header: bytes | None = None
    removal_header: bytes | None = None
    refusals: frozenset[int] | None = None
    path_parts: int = field(init=False)
    reads: frozenset[bytes] = field(init=False)
    only_once: Mapping[bytes, Reason] = field(init=False)

    def __post_init__(self) -> None:
        once = {self.method_header: Reason.BAD_METHOD, self.target_header: Reason.AMBIGUOUS_PATH}
        only_once = {name: reason for name, reason in once.items() if name is not None}
        reads = set(only_once)
        if self.shows_body:
            reads |= {CONTENT_LENGTH, TRANSFER_ENCODING}
        if self.cut_header is not None:
            reads.add(self.cut_header)
        object.__setattr__(self, "path_parts", 4 if self.target_header is None else 3)
        object.__setattr__(self, "reads", frozenset(reads))
        object.__setattr__(self, "only_once", only_once)

    @property
    def can_remove_headers(self) -> bool:
        """Tell whether an answer can delete any header of the client's request."""
        return self.removal_header is not None


ENVOY = Convention(
    name="envoy",
    shows_body=True,
    cut_header=b"x-envoy-auth-partial-body",
    removal_header=b"x-envoy-auth-headers-to-remove",
)
NGINX = Convention(
    name="nginx",
    method_header=b"x-original-method",
    target_header=b"x-original-uri",
    refusals=frozenset({401, 403}),
)
TRAEFIK = Convention(
    name="traefik",
    method_header=b"x-forwarded-method",
    target_header=b"x-forwarded-uri",
    shows_body=True,
)
CADDY = Convention(
    name="caddy",
    method_header=b"x-forwarded-method",
    target_header=b"x-forwarded-uri",
)

CONVENTIONS: Mapping[bytes, Convention] = {
    convention.name.encode(): convention for convention in (ENVOY, NGINX, TRAEFIK, CADDY)
}
"""By the first segment of the path that the proxy asks at."""
