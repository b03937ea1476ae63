"""What an e-mail address is, which one a token asserts, and whether its issuer vouches (SEC-52)."""

import re
from collections.abc import Mapping

from gatepass.rbac.claims import MAX_TEXT_CHARS, ClaimNames, ClaimPath, first_value, is_plain

_EMAIL = re.compile(r"[!-?A-~]+@[!-?A-~]+")
_ENTRAS = "xms_edov"
_SPEAK_OF_EMAIL = frozenset({"email_verified", _ENTRAS})


def read_email(claims: Mapping[str, object], paths: tuple[ClaimPath, ...]) -> str | None:
    """Return the e-mail address in lower case, or None for anything that is not plainly one.

    A malformed one names nobody, so it is no reason to refuse a caller who is named otherwise.
    """
    value = first_value(claims, paths)
    return value.lower() if isinstance(value, str) and is_address(value) else None


def is_address(text: str) -> bool:
    """Answer whether a text is plainly an e-mail address.

    It has one `@` with ASCII on both sides and no blanks (SEC-52; CVE-2026-40574). ASCII is judged
    before lower case is made, which would turn the Kelvin sign into a `k`.
    """
    return len(text) <= MAX_TEXT_CHARS and _EMAIL.fullmatch(text) is not None


def is_verified(claims: Mapping[str, object], names: ClaimNames, address: str) -> bool:
    """Answer whether the issuer says that the address is the bearer's own (SEC-52).

    The claim that verifies must be a JSON true. `email_verified` (OpenID Connect Core section 5.1)
    and Entra's `xms_edov` speak of the claim `email` alone, whatever claim the address was read
    from; an `xms_edov` that is there must say yes, too. Where an owner of the address is asked for,
    the token must name one.
    """
    if first_value(claims, names.email_verified) is not True:
        return False
    if claims.get(_ENTRAS, True) is not True:
        return False
    if names.email_owner and not is_plain(first_value(claims, names.email_owner)):
        return False
    for path in names.email_verified:
        if path.literal in _SPEAK_OF_EMAIL:
            spoken_of = claims.get("email")
            return isinstance(spoken_of, str) and spoken_of.lower() == address
    return True
