"""Does a body change what guards its request? Asked where a team may not do that.

An upstream reads four members as orders to its guardrails, at the top of a body and in its two
kinds of metadata, which may be an object or an object as JSON text. That a member is there counts,
whatever it says: an empty list of guardrails switches them off.
"""

from collections.abc import Mapping
from typing import Final

from gatepass.jwks.encoding import NotStrictJson, parse_json_object

GUARDRAIL_MEMBERS: Final = frozenset(
    {
        "guardrails",
        "disable_global_guardrail",
        "disable_global_guardrails",
        "opted_out_global_guardrails",
    }
)
METADATA_MEMBERS: Final = frozenset({"metadata", "litellm_metadata"})
GUARDED_MEMBERS: Final = GUARDRAIL_MEMBERS | METADATA_MEMBERS
"""The members of a body that have to be looked at."""


def changes_guardrails(members: Mapping[str, object]) -> bool:
    """Answer whether a body orders other guardrails, as far as anybody could read it so."""
    return not GUARDRAIL_MEMBERS.isdisjoint(members) or any(
        _orders(members[name]) for name in METADATA_MEMBERS.intersection(members)
    )


def _orders(metadata: object) -> bool:
    if isinstance(metadata, str):
        if not metadata.lstrip().startswith("{"):
            return False  # nobody reads members out of it
        try:
            metadata = parse_json_object(metadata.encode("utf-8", "surrogatepass"), None)
        except NotStrictJson:
            return True  # somebody who is less strict might
    return isinstance(metadata, dict) and any(
        name.casefold() in GUARDRAIL_MEMBERS for name in metadata
    )
