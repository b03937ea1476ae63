"""Hypothesis strategies for what JSON can hold."""

import json

from hypothesis import strategies as st

# Lone surrogates too; two that make a pair become the one character that any reader sees.
texts = st.text(st.characters(exclude_categories=())).map(
    lambda text: str(json.loads(json.dumps(text)))
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=8,
)


def is_lax(document: str) -> bool:
    """Say whether a document of Python's json holds NaN or an infinity, which JSON cannot."""
    constants: list[str] = []
    json.loads(document, parse_constant=constants.append)
    return bool(constants)
