"""A small OpenID provider, the other side of the tour; a process of its own.

    python -m gatepass.plugin.demo.provider --port 8701

Discovery and key set, the authorization endpoint (people sign in by their name alone, for this is a
demonstration), the token endpoint, and POST /demo/rotate, which makes a new signing key. The secret
of the machine clients comes in the environment variable GATEPASS_DEMO_SECRET. Flask is imported
only when the application is made, so that the package imports without the `demo` extra.
"""

import argparse
import logging
import os
from typing import TYPE_CHECKING

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6750 import BearerTokenGenerator

from gatepass.plugin.demo.accounts import PEOPLE, clients
from gatepass.plugin.demo.grants import AccessTokens, Code, CodeGrant, IdTokens, Pkce
from gatepass.plugin.demo.keys import ALGORITHM, SigningKeys

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue

SECRET_VARIABLE = "GATEPASS_DEMO_SECRET"  # noqa: S105 - the name of the variable, not its value

_SIGN_IN_PAGE = """<!doctype html>
<title>Gatepass demo: sign in</title>
<h1>Who are you?</h1>
<form method="post">{}</form>
"""
_BUTTON = '<button name="person" value="{0}">{0}</button> '


def create_app(issuer: str, secret: str) -> "Flask":
    """Build the provider that calls itself `issuer`; `secret` is that of its machine clients."""
    from authlib.integrations.flask_oauth2 import (  # noqa: PLC0415 - the demo extra
        AuthorizationServer,
    )
    from flask import Flask, request  # noqa: PLC0415 - the demo extra

    app = Flask("gatepass-demo-provider")
    keys = SigningKeys()
    registered = clients(secret, redirect_uri=f"{issuer}/demo/callback")
    tokens = AccessTokens(issuer, keys)

    server = AuthorizationServer(
        app, query_client=registered.get, save_token=lambda _token, _request: None
    )
    server.register_token_generator(
        "default", BearerTokenGenerator(tokens, expires_generator=tokens.lifetime_seconds)
    )
    server.register_grant(ClientCredentialsGrant)
    server.register_grant(_code_grant({}), [Pkce(required=True), IdTokens(issuer, keys)])

    @app.get("/.well-known/openid-configuration")
    def discovery() -> "ResponseReturnValue":
        return metadata(issuer)

    @app.get("/jwks")
    def key_set() -> "ResponseReturnValue":
        return keys.public_set()

    @app.get("/authorize")
    def ask_who() -> "ResponseReturnValue":
        try:
            server.get_consent_grant(end_user=None)
        except OAuth2Error as error:
            return {"error": error.error}, 400
        return _SIGN_IN_PAGE.format("".join(_BUTTON.format(name) for name in PEOPLE))

    @app.post("/authorize")
    def sign_in() -> "ResponseReturnValue":
        person = PEOPLE.get(request.form.get("person", ""))
        try:
            grant = server.get_consent_grant(end_user=person)
        except OAuth2Error as error:
            return {"error": error.error}, 400
        response: ResponseReturnValue = server.create_authorization_response(
            grant_user=person, grant=grant
        )
        return response

    @app.get("/demo/callback")
    def show_code() -> "ResponseReturnValue":
        return {"code": request.args.get("code"), "state": request.args.get("state")}

    @app.post("/token")
    def token() -> "ResponseReturnValue":
        response: ResponseReturnValue = server.create_token_response()
        return response

    @app.post("/demo/rotate")
    def rotate() -> "ResponseReturnValue":
        return {"kid": keys.rotate()}

    return app


def metadata(issuer: str) -> dict[str, object]:
    """Return the discovery document (OpenID Connect Discovery 1.0 section 3)."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "email"],
    }


def _code_grant(codes: dict[str, Code]) -> type[CodeGrant]:
    """Return the grant class with this server's codes: authlib makes an instance per request."""
    return type("DemoCodeGrant", (CodeGrant,), {"codes": codes})


def main() -> None:
    """Serve until the process is ended."""
    from werkzeug.serving import make_server  # noqa: PLC0415 - the demo extra

    parser = argparse.ArgumentParser(prog="gatepass.plugin.demo.provider")
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = create_app(f"http://127.0.0.1:{port}", os.environ[SECRET_VARIABLE])
    make_server("127.0.0.1", port, app, threaded=True).serve_forever()


if __name__ == "__main__":
    main()
