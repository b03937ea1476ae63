"""Tokens in the shapes that identity providers document, by the name of their preset."""

from collections.abc import Mapping

from support.vendors.auth0 import AUTH0
from support.vendors.cognito import COGNITO
from support.vendors.entra import ENTRA, ENTRA_V1
from support.vendors.generic import GENERIC
from support.vendors.google import GOOGLE
from support.vendors.keycloak import KEYCLOAK
from support.vendors.okta import OKTA
from support.vendors.ping import PING
from support.vendors.shape import Vendor

VENDORS: Mapping[str, Vendor] = {
    "auth0": AUTH0,
    "cognito": COGNITO,
    "entra": ENTRA,
    "entra-v1": ENTRA_V1,
    "generic": GENERIC,
    "google": GOOGLE,
    "keycloak": KEYCLOAK,
    "okta": OKTA,
    "ping": PING,
}
