"""The same numbers for Prometheus, in its text format.

Labels are the issuer's name as the settings spell it, and fixed words of ours: so there are no more
series than the settings and our own tables allow, and nothing of a token, a claim or a key is in
them (SEC-60). Counts begin at nothing with every start and every reload, as Prometheus expects.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from gatepass.jwks.introspection import IntrospectionStatus
from gatepass.jwks.status import IssuerStatus
from gatepass.plugin.telemetry.health import Health

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4

_Gauge = tuple[str, str, Callable[[IssuerStatus], float | None]]

_KEY_GAUGES: tuple[_Gauge, ...] = (
    ("keys", "Usable keys in hand.", lambda status: len(status.key_ids)),
    ("keys_stale", "1 if keys serve that should have been replaced.", lambda s: s.stale),
    ("keys_age_seconds", "Time since the last good load began.", lambda s: s.age_seconds),
    (
        "keys_last_success_timestamp_seconds",
        "When the last good load began.",
        lambda status: status.last_success,
    ),
    ("keys_failures", "Failed loads since the last good one.", lambda status: status.failures),
)
_KEY_COUNTERS: tuple[_Gauge, ...] = (
    (
        "refetches",
        "Loads that the start and tokens asked for, not the timer.",
        lambda status: status.refetches,
    ),
    (
        "refused_refetches",
        "Tokens with unknown keys that the issuer was not asked about.",
        lambda status: status.refused_refetches,
    ),
)
_QUESTIONS: tuple[tuple[str, str, Callable[[IntrospectionStatus], int]], ...] = (
    ("asked", "Questions about opaque tokens.", lambda status: status.asked),
    ("refused", "Questions answered with no.", lambda status: status.refused),
    ("unanswered", "Questions without a usable answer.", lambda status: status.unanswered),
    ("held_back", "Questions never sent, to keep the pace.", lambda status: status.held_back),
)


def exposition(health: Health) -> bytes:
    """Return what a scrape is answered with."""
    return generate_latest(_Families(health))


class _Families(Collector):
    """What one scrape shows."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterable[Metric]:
        ready = GaugeMetricFamily("gatepass_ready", "1 if requests can be judged.")
        ready.add_metric([], self._health.ready)
        yield ready
        store = GaugeMetricFamily("gatepass_store_up", "1 if the store answers.")
        store.add_metric([], self._health.store)
        yield store
        yield from _of_outages(self._health)
        yield from _of_keys(self._health.issuers)
        yield from _of_questions(self._health.introspections)


def _of_outages(health: Health) -> Iterator[Metric]:
    """Yield how requests pass although the store is away; both should stay at nothing."""
    stale = CounterMetricFamily(
        "gatepass_store_stale_served", "Callers who passed by rows that could not be read again."
    )
    stale.add_metric([], health.outage.stale_served)
    yield stale
    without = CounterMetricFamily(
        "gatepass_store_without_rows", "Callers who passed by their token alone."
    )
    without.add_metric([], health.outage.without_rows)
    yield without


def _of_keys(issuers: Sequence[IssuerStatus]) -> Iterator[Metric]:
    for name, meaning, read in _KEY_GAUGES:
        gauge = GaugeMetricFamily(f"gatepass_issuer_{name}", meaning, labels=["issuer"])
        for status in issuers:
            value = read(status)
            if value is not None:
                gauge.add_metric([status.issuer], value)
        yield gauge
    for name, meaning, read in _KEY_COUNTERS:
        counter = CounterMetricFamily(f"gatepass_issuer_{name}", meaning, labels=["issuer"])
        for status in issuers:
            counter.add_metric([status.issuer], read(status) or 0)
        yield counter
    skipped = GaugeMetricFamily(
        "gatepass_issuer_keys_skipped", "Published keys not used.", labels=["issuer", "fault"]
    )
    for status in issuers:
        for fault, count in status.skipped.items():
            skipped.add_metric([status.issuer, fault.value], count)
    yield skipped
    yield _errors("gatepass_issuer_keys_last_error", "1 for what the last load failed of.", issuers)


def _of_questions(introspections: Sequence[IntrospectionStatus]) -> Iterator[Metric]:
    if not introspections:
        return
    for name, meaning, read in _QUESTIONS:
        counter = CounterMetricFamily(f"gatepass_introspection_{name}", meaning, labels=["issuer"])
        for status in introspections:
            counter.add_metric([status.issuer], read(status))
        yield counter
    yield _errors(
        "gatepass_introspection_last_error",
        "1 for what the last question failed of.",
        introspections,
    )


def _errors(
    name: str, meaning: str, statuses: Sequence[IssuerStatus | IntrospectionStatus]
) -> Metric:
    errors = GaugeMetricFamily(name, meaning, labels=["issuer", "error"])
    for status in statuses:
        if status.last_error is not None:
            errors.add_metric([status.issuer, status.last_error], 1)
    return errors
