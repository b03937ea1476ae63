"""What an operator should know about one issuer's keys: numbers and fixed words, no key itself."""

from collections.abc import Mapping
from dataclasses import dataclass

from gatepass.jwks.clock import Clock
from gatepass.jwks.faults import KeyFault, KeyRemark
from gatepass.jwks.keeper import Keeper


@dataclass(frozen=True, slots=True)
class IssuerStatus:
    """How one issuer's keys stand.

    `key_ids` are those of the usable keys in hand, empty when there are none or they are too old.
    `age_seconds` and `last_success`, in seconds since the epoch, are None before the first success;
    `last_error` holds fixed words for what the last attempt failed of, None after a success, and
    `failures` counts the failed attempts since then. Keys are `stale` when they serve although
    they should have been replaced.
    `refetches` counts the loads that tokens caused, `refused_refetches` the tokens with unknown
    keys that the issuer was not asked about.
    """

    issuer: str
    key_ids: tuple[str | None, ...]
    skipped: Mapping[KeyFault, int]
    remarks: Mapping[KeyRemark, int]
    age_seconds: float | None
    last_success: float | None
    last_error: str | None
    stale: bool
    failures: int
    refetches: int
    refused_refetches: int


def issuer_status(issuer: str, keeper: Keeper, clock: Clock) -> IssuerStatus:
    """Return how the keys of the issuer stand now."""
    now = clock.monotonic()
    key_set, age = keeper.usable(now), keeper.age_seconds()
    return IssuerStatus(
        issuer=issuer,
        key_ids=() if key_set is None else tuple(key.kid for key in key_set.keys),
        skipped={} if key_set is None else key_set.skipped,
        remarks={} if key_set is None else key_set.remarks,
        age_seconds=age,
        last_success=None if age is None else clock.wall() - age,
        last_error=keeper.last_error,
        stale=key_set is not None and not keeper.is_fresh(now),
        failures=keeper.failures,
        refetches=keeper.refetches,
        refused_refetches=keeper.refused_refetches,
    )
