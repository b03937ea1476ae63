r"""Reading what a verified token says about its bearer, by the claim names of its issuer.

Where a claim stands: every name is tried as a literal top-level member first, so that
`https://corp.example/team` needs no escapes, and then as a path of members with dots between them;
`\.` in a name is a literal dot. Of several candidates the first that is there counts; JSON null is
not there. What it may be: one text, or a list of texts, for which one text stands as well. A claim
of another shape denies access and never leads to another candidate: who could choose the shape of a
claim could choose who they are.

Left to others: what the values mean (roles.py, teams.py) and whether they are stored anywhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeGuard

from gatepass.rbac.errors import AccessDenied, AccessFault

MAX_NAME_CHARS = 256
"""How long the name of a claim in the settings may be."""

MAX_TEXT_CHARS = 255
"""How long an id, a role or a scope may be (SEC-17)."""

_STEP = re.compile(r"(?:[^.\\]|\\\.)+")
_EMAIL = re.compile(r"[!-?A-~]+@[!-?A-~]+")
_NOT_AN_OBJECT: Final = object()


@dataclass(frozen=True, slots=True)
class ClaimPath:
    """Where a claim stands: a top-level name, else members inside members.

    `literal` is None when the name was written with escapes; `steps` is empty when it has no dot.
    """

    literal: str | None
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Which claims of one issuer name what; candidates in order, none means that it is not read.

    `email_verified` says whether the address was verified. Where `email_owner` is named, an address
    is verified only in a token that also names the organization whose address it is.
    """

    user: tuple[ClaimPath, ...] = ()
    email: tuple[ClaimPath, ...] = ()
    email_verified: tuple[ClaimPath, ...] = (ClaimPath("email_verified", ()),)
    email_owner: tuple[ClaimPath, ...] = ()
    team: tuple[ClaimPath, ...] = ()
    teams: tuple[ClaimPath, ...] = ()
    organization: tuple[ClaimPath, ...] = ()
    end_user: tuple[ClaimPath, ...] = ()
    roles: tuple[ClaimPath, ...] = ()
    scopes: tuple[ClaimPath, ...] = ()


def compile_claim_path(text: str) -> ClaimPath:
    """Compile the name of a claim as it stands in the settings.

    Raises:
        ValueError: the name is empty, too long or unprintable, a part between dots is empty, or a
            backslash stands before anything but a dot.

    """
    if not 0 < len(text) <= MAX_NAME_CHARS or not text.isprintable():
        raise ValueError(f"a claim name must have 1 to {MAX_NAME_CHARS} printable characters")
    steps = _STEP.findall(text)
    if ".".join(steps) != text:
        raise ValueError("a claim name may hold no empty part between dots and no \\ but in \\.")
    if "\\" in text:
        return ClaimPath(None, tuple(step.replace("\\.", ".") for step in steps))
    return ClaimPath(text, tuple(steps) if len(steps) > 1 else ())


def read_text(claims: Mapping[str, object], paths: tuple[ClaimPath, ...]) -> str | None:
    """Return the one text that a claim holds, or None when it is not there.

    Raises:
        AccessDenied: BAD_IDENTITY_CLAIM when it is anything but 1 to 255 printable characters
            without blanks around them.

    """
    value = _first(claims, paths)
    if value is None or _is_plain(value):
        return value
    raise AccessDenied(AccessFault.BAD_IDENTITY_CLAIM)


def read_texts(claims: Mapping[str, object], paths: tuple[ClaimPath, ...]) -> tuple[str, ...]:
    """Return the texts of a list in its own order, each once; one text stands for a list of one.

    Raises:
        AccessDenied: BAD_IDENTITY_CLAIM when it is neither, or when one member is malformed.

    """
    value = _first(claims, paths)
    if value is None:
        return ()
    return _plain_texts([value] if isinstance(value, str) else value)


def read_scopes(claims: Mapping[str, object], paths: tuple[ClaimPath, ...]) -> frozenset[str]:
    """Return the scopes of a list, or of a text with blanks between them (RFC 6749 section 3.3).

    Raises:
        AccessDenied: BAD_IDENTITY_CLAIM as for `read_texts`.

    """
    value = _first(claims, paths)
    if value is None:
        return frozenset()
    if not isinstance(value, str):
        return frozenset(_plain_texts(value))
    scopes = frozenset(filter(None, value.split(" ")))
    if len(value) <= MAX_TEXT_CHARS and value.isprintable():
        return scopes  # the parts of a plain text are plain
    return frozenset(_plain_texts([*scopes]))


def read_email(claims: Mapping[str, object], paths: tuple[ClaimPath, ...]) -> str | None:
    """Return the e-mail address in lower case, or None for anything that is not plainly one.

    An address has one `@` with ASCII on both sides and no blanks (SEC-52; CVE-2026-40574). A
    malformed one names nobody, so it is no reason to refuse a caller who is named otherwise. ASCII
    is judged first: lower case would turn the Kelvin sign into a `k`.
    """
    value = _first(claims, paths)
    if not isinstance(value, str) or len(value) > MAX_TEXT_CHARS or not _EMAIL.fullmatch(value):
        return None
    return value.lower()


def is_email_verified(claims: Mapping[str, object], names: ClaimNames) -> bool:
    """Tell whether the issuer vouches for the e-mail address; only a JSON true says so (SEC-52)."""
    if _first(claims, names.email_verified) is not True:
        return False
    return not names.email_owner or _is_plain(_first(claims, names.email_owner))


def _first(claims: Mapping[str, object], paths: tuple[ClaimPath, ...]) -> object:
    for path in paths:
        value = None if path.literal is None else claims.get(path.literal)
        if value is None and path.steps:
            value = _walk(claims, path.steps)
        if value is not None:
            return value
    return None


def _walk(claims: Mapping[str, object], steps: tuple[str, ...]) -> object:
    value = claims.get(steps[0])
    for step in steps[1:]:
        if value is None:
            return None
        if not isinstance(value, dict):
            return _NOT_AN_OBJECT
        value = value.get(step)
    return value


def _plain_texts(members: object) -> tuple[str, ...]:
    if not isinstance(members, list):
        raise AccessDenied(AccessFault.BAD_IDENTITY_CLAIM)
    texts = [member for member in members if _is_plain(member)]
    if len(texts) != len(members):
        raise AccessDenied(AccessFault.BAD_IDENTITY_CLAIM)
    return tuple(dict.fromkeys(texts))


def _is_plain(value: object) -> TypeGuard[str]:
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_TEXT_CHARS
        and value.isprintable()
        and value[0] != " "
        and value[-1] != " "
    )
