"""A query string as Kong takes it apart."""

from urllib.parse import unquote_to_bytes

from support.kong.octets import octets_text, text_octets


def query_table(query: str, limit: int) -> dict[str, object]:
    """Return the first arguments: without `=` true, repeated ones as a list."""
    found: dict[str, list[object]] = {}
    for argument in [each for each in query.split("&") if each][:limit]:
        name, equals, value = argument.partition("=")
        found.setdefault(_plain(name), []).append(_plain(value) if equals else True)
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def query_argument(query: str, name: object) -> object:
    """Return the first value of an argument among the first 100."""
    value = query_table(query, 100).get(str(name))
    return value[0] if isinstance(value, list) else value


def _plain(text: str) -> str:
    return octets_text(unquote_to_bytes(text_octets(text.replace("+", " "))))
