"""The two ways to a token, as authlib runs them: code with PKCE for people, secrets for machines.

authlib checks the protocol; what is ours is where codes are kept (in memory, used once, for a
minute) and what the tokens say: access tokens after RFC 9068, ID tokens after OpenID Connect Core.
"""

import secrets
import time
from dataclasses import dataclass

from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode
from joserfc.jwk import RSAKey

from gatepass.plugin.demo.accounts import AUDIENCE, Client, Person
from gatepass.plugin.demo.keys import ALGORITHM, SigningKeys, sign

_CODE_SECONDS = 60


class AccessTokens:
    """Mints access tokens as JWTs (RFC 9068); authlib calls it when a grant has been checked."""

    def __init__(self, issuer: str, keys: SigningKeys) -> None:
        self._issuer = issuer
        self._keys = keys

    def __call__(self, *, client: Client, grant_type: str, user: Person | None, scope: str) -> str:
        """Return a signed token for the person, or for the machine when there is none."""
        made_at = int(time.time()) - client.clock_behind_seconds
        claims: dict[str, object] = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": client.client_id if user is None else user.get_user_id(),
            "client_id": client.client_id,
            "iat": made_at,
            "exp": made_at + self.lifetime_seconds(client, grant_type),
            "jti": secrets.token_urlsafe(12),
            "scope": scope,
        }
        claims |= client.claims() if user is None else user.claims()
        return sign(self._keys.current, claims, "at+jwt")

    @staticmethod
    def lifetime_seconds(client: Client, _grant_type: str) -> int:
        """Return how long the client's tokens live."""
        return client.lifetime_seconds


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code that waits to be exchanged; answers what authlib asks of one."""

    value: str
    client_id: str
    person: Person
    redirect_uri: str | None
    scope: str
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None
    auth_time: int

    def get_redirect_uri(self) -> str | None:
        """Return the address that the exchange must name again."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """Return what was granted."""
        return self.scope

    def get_nonce(self) -> str | None:
        """Return the client's value for the ID token."""
        return self.nonce

    def get_auth_time(self) -> int:
        """Return when the person signed in, in seconds since the epoch."""
        return self.auth_time

    def get_acr(self) -> None:
        """Return how strong the sign-in was: the demo does not say."""

    def get_amr(self) -> None:
        """Return by what means the person signed in: the demo does not say."""


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc] # authlib ships no types
    """The authorization code grant for public clients, with codes in the server's memory."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)
    codes: dict[str, Code]

    def save_authorization_code(self, code: str, _request: object) -> None:
        """Keep the code with everything that the exchange will be checked against."""
        payload = self.request.payload
        asked = payload.data
        self.codes[code] = Code(
            value=code,
            client_id=payload.client_id,
            person=self.request.user,
            redirect_uri=payload.redirect_uri,
            scope=self.request.scope,
            nonce=asked.get("nonce"),
            code_challenge=asked.get("code_challenge"),
            code_challenge_method=asked.get("code_challenge_method"),
            auth_time=int(time.time()),
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        """Take the code, which nobody can use again, and return it if it is this client's."""
        found = self.codes.pop(code, None)
        if found is None or found.client_id != client.client_id:
            return None
        return found if time.time() < found.auth_time + _CODE_SECONDS else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Leave it at that: the code was taken when it was looked up."""

    def authenticate_user(self, authorization_code: Code) -> Person:
        """Return the person who signed in."""
        return authorization_code.person


class Pkce(CodeChallenge):  # type: ignore[misc] # authlib ships no types
    """RFC 7636 with S256 only: a plain challenge protects against nobody who can read it."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)


class IdTokens(OpenIDCode):  # type: ignore[misc] # authlib ships no types
    """ID tokens for scope `openid`: they are meant for the client, not for the gateway."""

    def __init__(self, issuer: str, keys: SigningKeys) -> None:
        super().__init__(require_nonce=False)
        self._issuer = issuer
        self._keys = keys

    def exists_nonce(self, _nonce: str, _request: object) -> bool:
        """Answer whether the nonce was used before: codes are used once, so it does not matter."""
        return False

    def resolve_client_private_key(self, _client: Client) -> RSAKey:
        """Return the key that signs."""
        return self._keys.current

    def get_encode_header(self, _client: Client) -> dict[str, object]:
        """Return the header of an ID token."""
        return {"alg": ALGORITHM, "kid": self._keys.current.kid, "typ": "JWT"}

    def get_client_claims(self, client: Client) -> dict[str, object]:
        """Return the claims that belong to the client."""
        return {"iss": self._issuer, "aud": [client.client_id]}

    def generate_user_info(self, user: Person, _scope: str) -> dict[str, object]:
        """Return the claims that belong to the person."""
        return {"sub": user.get_user_id(), **user.claims()}
