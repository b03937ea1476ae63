r"""Reading what a verified token says about its bearer, by the claim names of its issuer.

Where a claim stands: every name is tried as a literal top-level member first, so that
`https://corp.example/team` needs no escapes, and then as a path of members with dots between them;
`\.` in a name is a literal dot. Of several candidates the first that is there counts; JSON null is
not there. What it may be: one text, or a list of texts, for which one text stands as well. By
setting, one text with separators stands for a list, and a whole number for the text of its digits.
A claim of another shape denies access and never leads to another candidate: who could choose the
shape of a claim could choose who they are.

Left to others: e-mail addresses (addresses.py), claims that a token leaves out (overage.py), what
the values mean (roles.py, teams.py) and whether they are stored anywhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeGuard

from gatepass.rbac.errors import AccessDenied, AccessFault

MAX_NAME_CHARS = 256
"""How long the name of a claim in the settings may be."""

MAX_TEXT_CHARS = 255
"""How long an id, a role or a scope may be (SEC-17)."""

MAX_NUMBER = 2**64 - 1
"""How large a number that stands for an id may be."""

_STEP = re.compile(r"(?:[^.\\]|\\\.)+")
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
    `separators` has what stands between the texts of a claim that is one text, by the field's name;
    in `numbers_as_ids` are the names of those that may be whole numbers.
    """

    user: tuple[ClaimPath, ...] = ()
    email: tuple[ClaimPath, ...] = ()
    email_verified: tuple[ClaimPath, ...] = (ClaimPath("email_verified", ()),)
    email_owner: tuple[ClaimPath, ...] = ()
    team: tuple[ClaimPath, ...] = ()
    team_alias: tuple[ClaimPath, ...] = ()
    teams: tuple[ClaimPath, ...] = ()
    organization: tuple[ClaimPath, ...] = ()
    organization_alias: tuple[ClaimPath, ...] = ()
    end_user: tuple[ClaimPath, ...] = ()
    roles: tuple[ClaimPath, ...] = ()
    scopes: tuple[ClaimPath, ...] = ()
    object_id: tuple[ClaimPath, ...] = ()
    separators: Mapping[str, str] = field(default_factory=dict)
    numbers_as_ids: frozenset[str] = frozenset()


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


def read_text(
    claims: Mapping[str, object], paths: tuple[ClaimPath, ...], *, numbers: bool = False
) -> str | None:
    """Return the one text that a claim holds, or None when it is not there.

    Raises:
        AccessDenied: BAD_IDENTITY_CLAIM when it is anything but 1 to 255 printable characters
            without blanks around them, or with `numbers` a whole number.

    """
    value = first_value(claims, paths)
    if value is None:
        return None
    if numbers:
        value = _digits(value)
    if is_plain(value):
        return value
    raise AccessDenied(AccessFault.BAD_IDENTITY_CLAIM)


def read_texts(
    claims: Mapping[str, object],
    paths: tuple[ClaimPath, ...],
    *,
    separator: str | None = None,
    numbers: bool = False,
) -> tuple[str, ...]:
    """Return the texts of a list in its own order, each once; one text stands for a list of one.

    With `separator` one text is taken apart; empty parts, and blanks around a part, do not count.

    Raises:
        AccessDenied: BAD_IDENTITY_CLAIM when it is neither, or when one member is malformed.

    """
    value = first_value(claims, paths)
    if value is None:
        return ()
    if isinstance(value, str):
        value = [value] if separator is None else _parts(value, separator)
    elif numbers:
        value = (
            [_digits(member) for member in value] if isinstance(value, list) else [_digits(value)]
        )
    return plain_texts(value)


def read_first(
    claims: Mapping[str, object], paths: tuple[ClaimPath, ...], *, numbers: bool = False
) -> str | None:
    """Return one text, of a list the first; None for an empty list and when it is not there.

    Raises:
        AccessDenied: BAD_IDENTITY_CLAIM as for `read_texts`.

    """
    texts = read_texts(claims, paths, numbers=numbers)
    return texts[0] if texts else None


def read_scopes(claims: Mapping[str, object], paths: tuple[ClaimPath, ...]) -> frozenset[str]:
    """Return the scopes of a list, or of a text with blanks between them (RFC 6749 section 3.3).

    Raises:
        AccessDenied: BAD_IDENTITY_CLAIM as for `read_texts`.

    """
    value = first_value(claims, paths)
    if value is None:
        return frozenset()
    if not isinstance(value, str):
        return frozenset(plain_texts(value))
    scopes = frozenset(filter(None, value.split(" ")))
    if len(value) <= MAX_TEXT_CHARS and value.isprintable():
        return scopes  # the parts of a plain text are plain
    return frozenset(plain_texts([*scopes]))


def is_there(claims: Mapping[str, object], paths: tuple[ClaimPath, ...]) -> bool:
    """Answer whether the token has the claim at all; an empty list is there, JSON null is not."""
    return first_value(claims, paths) is not None


def first_value(claims: Mapping[str, object], paths: tuple[ClaimPath, ...]) -> object:
    """Return what the first candidate that is there holds, unjudged."""
    for path in paths:
        if path.literal is not None:
            value = claims.get(path.literal)
            if value is not None:
                return value
        if path.steps:
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


def plain_texts(members: object) -> tuple[str, ...]:
    """Return the members of a list of texts, each once.

    Raises:
        AccessDenied: BAD_IDENTITY_CLAIM when it is no list, or when one member is malformed.

    """
    if not isinstance(members, list):
        raise AccessDenied(AccessFault.BAD_IDENTITY_CLAIM)
    for member in members:
        if not is_plain(member):
            raise AccessDenied(AccessFault.BAD_IDENTITY_CLAIM)
    texts = tuple(members)
    return texts if len(set(texts)) == len(texts) else tuple(dict.fromkeys(texts))


def _parts(text: str, separator: str) -> list[str]:
    parts = [part.strip(" ") for part in text.split(separator)]
    return [part for part in parts if part]


def _digits(value: object) -> object:
    """Return a whole number as the text of its digits, and anything else as it is.

    A JSON number with a fraction or an exponent is no id: 1e2 is 100 to one reader and not to
    another.
    """
    if type(value) is int and 0 <= value <= MAX_NUMBER:  # a boolean is an int, too
        return str(value)
    return value


def is_plain(value: object) -> TypeGuard[str]:
    """Answer whether a value is a text that can name somebody."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_TEXT_CHARS
        and value.isprintable()
        and value[0] != " "
        and value[-1] != " "
    )
