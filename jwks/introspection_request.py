"""The question whether a token is active, and who asks it (RFC 7662 section 2.1).

authlib puts the form together and shows who we are; what it leaves to its caller is done before: a
name and a secret are form-encoded before they go into a Basic header (RFC 6749 section 2.3.1).
Sending it is the fetcher's part.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote_plus


class ClientAuthentication(StrEnum):
    """How a client shows its secret (RFC 6749 section 2.3.1)."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks; its secret shows in no repr. Both are printable ASCII (RFC 6749 appendix A)."""

    client_id: str
    client_secret: str = field(repr=False)
    authentication: ClientAuthentication = ClientAuthentication.BASIC


def ask_about(token: bytes, client: Client) -> tuple[bytes, Mapping[str, str]]:
    """Return the form that asks about a token, and the headers that go with it.

    The token is ASCII. The first call imports, which takes some 50 ms.
    """
    from authlib.oauth2.auth import ClientAuth  # noqa: PLC0415 - few deployments need it
    from authlib.oauth2.rfc7009 import prepare_revoke_token_request  # noqa: PLC0415 - the same

    name, secret = client.client_id, client.client_secret
    if client.authentication is ClientAuthentication.BASIC:
        name, secret = quote_plus(name), quote_plus(secret)
    # the questions of RFC 7009 and RFC 7662 are the same
    form, _ = prepare_revoke_token_request(token.decode("ascii"), "access_token")
    authentication = ClientAuth(name, secret, client.authentication.value)
    _, headers, form = authentication.prepare("POST", "", {}, form)
    return form.encode("ascii"), headers
