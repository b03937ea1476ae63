"""How the tour gets its tokens: over HTTP, by the grants that real clients use."""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import httpx

from gatepass.plugin.demo.accounts import CHAT_APP


class SignInFailed(Exception):
    """The provider did not send the person back with a code and with our state."""


@dataclass(frozen=True, slots=True)
class PersonTokens:
    """What a person's client holds after signing in."""

    access_token: str
    id_token: str


class IdentityProvider:
    """The provider as its clients see it: nothing but its issuer URL is known beforehand."""

    def __init__(self, issuer: str, secret: str, http: httpx.Client) -> None:
        self._issuer = issuer
        self._secret = secret
        self._http = http

    def machine_token(self, client_id: str) -> str:
        """Return an access token by the client credentials grant (RFC 6749 section 4.4)."""
        response = self._http.post(
            self._endpoint("token_endpoint"),
            data={"grant_type": "client_credentials"},
            auth=(client_id, self._secret),
        )
        return str(response.raise_for_status().json()["access_token"])

    def person_tokens(self, name: str) -> PersonTokens:
        """Sign a person in and exchange the code, with PKCE (RFC 7636)."""
        verifier = secrets.token_urlsafe(48)
        code = self.authorization_code(name, s256_challenge(verifier))
        response = self.exchange(code, verifier).raise_for_status().json()
        return PersonTokens(str(response["access_token"]), str(response["id_token"]))

    def authorization_code(self, name: str, challenge: str) -> str:
        """Sign a person in and return the code that the redirection carries.

        Raises:
            SignInFailed: it carries none.

        """
        state = secrets.token_urlsafe(12)
        asked = {
            "response_type": "code",
            "client_id": CHAT_APP,
            "redirect_uri": self.redirect_uri,
            "scope": "openid email",
            "state": state,
            "nonce": secrets.token_urlsafe(12),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = self._endpoint("authorization_endpoint")
        response = self._http.post(endpoint, params=asked, data={"person": name})
        answer = parse_qs(urlsplit(response.headers.get("location", "")).query)
        if answer.get("state") != [state] or "code" not in answer:
            raise SignInFailed
        return str(answer["code"][0])

    def exchange(self, code: str, verifier: str) -> httpx.Response:
        """Hand the code in for tokens."""
        return self._http.post(
            self._endpoint("token_endpoint"),
            data={
                "grant_type": "authorization_code",
                "client_id": CHAT_APP,
                "redirect_uri": self.redirect_uri,
                "code": code,
                "code_verifier": verifier,
            },
        )

    def rotate(self) -> str:
        """Let the provider make a new signing key; return its kid."""
        response = self._http.post(f"{self._issuer}/demo/rotate")
        return str(response.raise_for_status().json()["kid"])

    @property
    def redirect_uri(self) -> str:
        """Return where the chat app gets its codes."""
        return f"{self._issuer}/demo/callback"

    def _endpoint(self, name: str) -> str:
        document = self._http.get(f"{self._issuer}/.well-known/openid-configuration")
        return str(document.raise_for_status().json()[name])


def s256_challenge(verifier: str) -> str:
    """Return the code challenge of a verifier (RFC 7636 section 4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
