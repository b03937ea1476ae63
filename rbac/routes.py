"""Routes: the one reading of a request's path, and the rules that paths are held against.

A path that two programs could read differently is refused, never repaired (SEC-33): the rules then
hold for whatever spelling the gateway routes on, because there is only one. The query is cut off
and takes part in nothing (SEC-34).

A rule is one of these: a path, compared exactly, where the letter case and a trailing slash count
(SEC-36); a template, in which `{name}` is one segment and `{name:path}` one or more, with or
without more text behind; a prefix `/x/*` that ends at a segment, so that it covers `/x/a` and
`/x/a/b` but not `/x`, `/x/` or `/xy` (SEC-35); or `*`, which is every path. A method in front, as
in `GET /x`, binds a rule to that method alone (SEC-38): GET does not include HEAD.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.prefixes import bucketed

MAX_PATH_BYTES = 4096

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""The methods that a rule can be bound to."""

_PATH = re.compile(
    rb"""
    /
    (?:
        (?! \.\.? (?: / | \Z ) )                # no segment that means this or the parent folder
        (?:
            [A-Za-z0-9\-._~!$&'()*+,=:@]        # RFC 3986 section 3.3, less the `;` of parameters
          | %(?: 2[0-246-9A-Ca-c]               # encoded: blank ! " $ & ' ( ) * + ,
               | 3[AaC-Ec-e]                    #          : < = >
               | 40                             #          @
               | 5[BDEbde]                      #          [ ] ^
               | 60                             #          `
               | 7[B-Db-d] )                    #          { | }
        )++
        (?: / | \Z )                            # and no empty segment but a last one
    )*+
    """,
    re.VERBOSE,
)
_PARAMETER = re.compile(r"\{[a-z_][a-z0-9_]*(:path)?\}")
_ONE_SEGMENT = "[^/]+"
_SEGMENTS = "[^/]+(?:/[^/]+)*"


def read_path(target: bytes) -> str:
    """Return the path of a raw request target in origin form (RFC 9112 section 3.2.1).

    Percent-encodings of what could stand there plainly, of separators, of control characters and of
    anything beyond ASCII are ambiguous, because gateways and upstreams disagree on when to decode
    them (CVE-2021-29492, CVE-2026-32811); so are `//`, dot segments, `;`, a backslash, a fragment
    and the absolute form.

    Raises:
        AccessDenied: AMBIGUOUS_PATH, also for a path of more than 4096 bytes.

    """
    path = target.partition(b"?")[0]
    if len(path) > MAX_PATH_BYTES or not _PATH.fullmatch(path):
        raise AccessDenied(AccessFault.AMBIGUOUS_PATH)
    return path.decode("ascii")


@dataclass(frozen=True, slots=True)
class _Rules:
    """Compiled rules for one method or for all; templates by their number of segments.

    `width` characters name a bucket of `prefixes` (gatepass.rbac.prefixes).
    """

    everything: bool
    exact: frozenset[str]
    templates: Mapping[int, re.Pattern[str]]
    open_templates: re.Pattern[str] | None
    width: int
    prefixes: Mapping[str, list[str]]

    def allow(self, path: str) -> bool:
        if self.everything or path in self.exact:
            return True
        template = self.templates.get(path.count("/"))
        if template is not None and template.fullmatch(path):
            return True
        if self.open_templates is not None and self.open_templates.fullmatch(path):
            return True
        # without its last character a path starts with `/x/` only if something stands behind it
        shorter = path[:-1]
        bucket = self.prefixes.get(shorter[: self.width])
        if bucket is None:
            return False
        at = bisect_right(bucket, shorter)
        return at > 0 and shorter.startswith(bucket[at - 1])


class RouteMatcher:
    """A compiled list of route rules; it allows what a rule names and nothing else (SEC-39).

    `listed` is the list as it was written.
    """

    __slots__ = ("_any_method", "_by_method", "_groups", "listed")

    def __init__(
        self,
        any_method: _Rules,
        by_method: Mapping[str, _Rules],
        listed: tuple[str, ...],
        groups: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._any_method = any_method
        self._by_method = by_method
        self._groups = groups
        self.listed = listed

    def allows(self, method: str, path: str) -> bool:
        """Answer whether a rule covers the call; `path` comes from `read_path`."""
        if self._any_method.allow(path):
            return True
        bound = self._by_method.get(method)
        return bound is not None and bound.allow(path)

    def first_that_allows(self, method: str, path: str) -> int | None:
        """Return the place in the list of the first entry that covers the call, or None.

        For explanations: every entry is compiled again, by itself.
        """
        for at, entry in enumerate(self.listed):
            if compile_routes((entry,), self._groups).allows(method, path):
                return at
        return None


def compile_routes(entries: Sequence[str], groups: Mapping[str, tuple[str, ...]]) -> RouteMatcher:
    """Compile rules; an entry may also be the name of a group, which holds rules but no names.

    Errors do not repeat the entry: compile entries one by one to learn which one is at fault.

    Raises:
        ValueError: an entry is none of the above, names an unknown group, or could never match.

    """
    rules: list[str] = []
    for entry in entries:
        if entry in groups:
            rules.extend(groups[entry])
        else:
            rules.append(entry)
    by_method: dict[str, list[str]] = {}
    for rule in rules:
        method, blank, path = rule.partition(" ")
        if not blank:
            method, path = "", rule
        elif method not in METHODS or path == "*":
            raise ValueError(f"before a path may stand one method of {', '.join(METHODS)}")
        by_method.setdefault(method, []).append(path)
    any_method = _compile(by_method.pop("", ()))
    return RouteMatcher(
        any_method,
        {method: _compile(paths) for method, paths in by_method.items()},
        tuple(entries),
        groups,
    )


def _compile(paths: Iterable[str]) -> _Rules:
    exact, prefixes, open_templates = set(), set(), set()
    templates: dict[int, set[str]] = {}
    everything = False
    for path in paths:
        if path == "*":
            everything = True
            continue
        _check(path)
        if "{" not in path:
            if path.endswith("/*"):
                prefixes.add(path[:-1])
            else:
                exact.add(path)
        elif path.endswith("/*"):
            open_templates.add(_expression(path[:-1]) + ".+")
        elif ":path}" in path:
            open_templates.add(_expression(path))
        else:
            templates.setdefault(path.count("/"), set()).add(_expression(path))
    width, buckets = bucketed(prefixes)
    return _Rules(
        everything=everything,
        exact=frozenset(exact),
        templates={count: _one_of(found) for count, found in templates.items()},
        open_templates=_one_of(open_templates) if open_templates else None,
        width=width,
        prefixes=buckets,
    )


def _check(path: str) -> None:
    """Refuse what no path that `read_path` lets through could ever match."""
    if not path.startswith("/"):
        raise ValueError("a route is a path that starts with /, the name of a known group, or *")
    if "*" in path.removesuffix("/*"):
        raise ValueError("a * may only be the whole last segment of a path")
    if path.count(":path}") > 1 or any(part.count("{") > 1 for part in path.split("/")):
        raise ValueError("a path may hold one {name} per segment and one {name:path} in all")
    sample = _PARAMETER.sub("x", path)
    try:
        plain = read_path(sample.encode("ascii", "replace"))
    except AccessDenied:
        plain = ""
    if plain != sample:
        raise ValueError("no request could match this path: it is ambiguous or malformed")


def _expression(template: str) -> str:
    pieces, position = [], 0
    for parameter in _PARAMETER.finditer(template):
        pieces.append(re.escape(template[position : parameter.start()]))
        pieces.append(_SEGMENTS if parameter[1] else _ONE_SEGMENT)
        position = parameter.end()
    pieces.append(re.escape(template[position:]))
    return "".join(pieces)


def _one_of(expressions: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(sorted(expressions)))


NO_ROUTES = compile_routes((), {})
"""Allows nothing."""

ALL_ROUTES = compile_routes(("*",), {})
"""Allows everything."""
