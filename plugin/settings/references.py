"""`${NAME}` and `${file:PATH}`: values that a settings file takes from somewhere else.

A reference may be the whole value or a part of it; `$${` stands for a plain `${`. What comes in is
text: it is not searched for further references and not read as YAML, so that a secret can neither
pull in another nor add a setting. No message shows what came in.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from gatepass.plugin.settings.problems import BadValue, Finding

MAX_FILE_BYTES = 1024 * 1024
"""The largest file that settings are read from."""

_REFERENCE = re.compile(
    r"""\$(?P<escaped>\$\{)
      | \$\{(?P<name>[A-Za-z_][A-Za-z0-9_]{0,199})\}
      | \$\{file:(?P<file>[^}]+)\}
      | (?P<unreadable>\$\{)""",
    re.VERBOSE,
)


def resolve_references(text: str, environ: Mapping[str, str], folder: Path) -> str:
    """Return the text with every reference replaced; relative paths start at `folder`.

    Raises:
        BadValue: naming every variable that is not set and every file that cannot be read.

    """
    if "${" not in text:
        return text
    problems: list[Finding | str] = []

    def replacement(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "${"
        if match["name"]:
            value = environ.get(match["name"])
            if value is None:
                problems.append(f"the environment variable {match['name']} is not set")
            return value or ""
        if match["file"]:
            try:
                return read_text(folder / match["file"]).rstrip("\r\n")
            except BadValue as unreadable:
                problems.extend(unreadable.findings)
                return ""
        problems.append(
            "not a reference; write ${NAME} or ${file:/path}, and $${ where ${ itself is meant"
        )
        return ""

    resolved = _REFERENCE.sub(replacement, text)
    if problems:
        raise BadValue(*problems)
    return resolved


def read_text(path: Path, max_bytes: int = MAX_FILE_BYTES) -> str:
    """Return the text of a UTF-8 file of some MiB, a byte order mark left out.

    Raises:
        BadValue: the file cannot be read, is too large, or is not UTF-8.

    """
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except FileNotFoundError as missing:
        raise BadValue("the file does not exist") from missing
    except (OSError, ValueError) as unreadable:
        # ValueError: a path with a NUL in it
        raise BadValue("the file cannot be read") from unreadable
    if len(content) > max_bytes:
        raise BadValue(f"the file is larger than {max_bytes // 1024**2} MiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as undecodable:
        raise BadValue("the file is not UTF-8 text") from undecodable
