"""The e-mail address that a token asserts, and whether its issuer vouches for it (SEC-52)."""

import re
from collections.abc import Mapping
from typing import Final

from gatepass.rbac.claims import MAX_TEXT_CHARS, ClaimPath, first_value

_EMAIL = re.compile(r"[!-?A-~]+@[!-?A-~]+")
_UNSAID: Final = object()


def read_email(claims: Mapping[str, object], paths: tuple[ClaimPath, ...]) -> str | None:
    """Return the e-mail address in lower case, or None for anything that is not plainly one.

    An address has one `@` with ASCII on both sides and no blanks (SEC-52; CVE-2026-40574). A
    malformed one names nobody, so it is no reason to refuse a caller who is named otherwise. ASCII
    is judged first: lower case would turn the Kelvin sign into a `k`.
    """
    value = first_value(claims, paths)
    if not isinstance(value, str) or len(value) > MAX_TEXT_CHARS or not _EMAIL.fullmatch(value):
        return None
    return value.lower()


def is_verified(claims: Mapping[str, object], address: str | None) -> bool:
    """Answer whether the issuer says that the address is the bearer's own (SEC-52).

    `email_verified` must be a JSON true and speaks of the claim `email` alone (OpenID Connect Core
    section 5.1), whatever claim the address was read from. Entra's tokens have none and say it as
    `xms_edov`; a token that has both must say yes twice.
    """
    if address is None:
        return False
    usual, entras = claims.get("email_verified", _UNSAID), claims.get("xms_edov", _UNSAID)
    if usual is _UNSAID:
        usual = entras
    if usual is not True or (entras is not True and entras is not _UNSAID):
        return False
    spoken_of = claims.get("email")
    return isinstance(spoken_of, str) and spoken_of.lower() == address
