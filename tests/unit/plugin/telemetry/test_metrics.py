"""What Prometheus reads, read as Prometheus does."""

import re
from dataclasses import replace
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from gatepass.jwks.status import IssuerStatus
from gatepass.plugin.outage import OutageStatus
from gatepass.plugin.telemetry.health import Health
from gatepass.plugin.telemetry.metrics import exposition
from support.watched import ASKED, AWAY, GOOD, STALE

Series = tuple[str, frozenset[tuple[str, str]]]
QUESTIONS = ("asked", "refused", "unanswered", "held_back")
EVERYBODY = Health(
    ready=False,
    store=True,
    issuers=(GOOD, STALE, AWAY),
    introspections=(ASKED,),
    outage=OutageStatus(stale_served=5, without_rows=2),
)


def read(health: Health) -> dict[Series, float]:
    """Return the value of every series; there is none twice."""
    samples = [
        sample
        for family in text_string_to_metric_families(exposition(health).decode())
        for sample in family.samples
    ]
    series = {(s.name, frozenset(s.labels.items())): s.value for s in samples}
    assert len(series) == len(samples)
    return series


def value(name: str, **labels: str) -> float | None:
    return read(EVERYBODY).get((f"gatepass_{name}", frozenset(labels.items())))


def of(status: IssuerStatus, name: str, **labels: str) -> float | None:
    return value(f"issuer_{name}", issuer=status.issuer, **labels)


def test_the_service() -> None:
    assert (value("ready"), value("store_up")) == (0, 1)


def test_sec_41_what_passed_without_the_store() -> None:
    assert (value("store_stale_served_total"), value("store_without_rows_total")) == (5, 2)


def test_keys_in_hand() -> None:
    assert [of(status, "keys") for status in (GOOD, STALE, AWAY)] == [2, 2, 0]
    assert [of(status, "keys_stale") for status in (GOOD, STALE, AWAY)] == [0, 1, 0]
    assert [of(status, "keys_failures") for status in (GOOD, STALE, AWAY)] == [0, 5, 2]
    assert [of(status, "keys_age_seconds") for status in (GOOD, AWAY)] == [12.5, None]
    last = "keys_last_success_timestamp_seconds"
    assert [of(status, last) for status in (GOOD, AWAY)] == [1_700_000_000, None]


def test_sec_24_refetches_and_floods() -> None:
    assert [of(status, "refetches_total") for status in (GOOD, AWAY)] == [3, 1]
    assert [of(status, "refused_refetches_total") for status in (GOOD, AWAY)] == [7, 0]


def test_why_keys_are_not_there_or_not_used() -> None:
    assert of(STALE, "keys_last_error", error="timeout") == 1
    assert of(AWAY, "keys_last_error", error="connection refused") == 1
    assert not [name for name, labels in read(EVERYBODY) if ("error", "None") in labels]
    assert of(STALE, "keys_skipped", fault="private") == 1
    assert of(STALE, "keys_skipped", fault="unsupported") == 2


def test_opaque_tokens() -> None:
    asked = [value(f"introspection_{name}_total", issuer=ASKED.issuer) for name in QUESTIONS]
    assert asked == [9, 2, 1, 4]
    assert value("introspection_last_error", issuer=ASKED.issuer, error="timeout") == 1
    without = read(replace(EVERYBODY, introspections=()))
    assert not [name for name, _ in without if "introspection" in name]


def test_sec_60_no_name_of_a_key_is_in_it_and_labels_are_a_closed_list() -> None:
    assert b"kid-canary" not in exposition(EVERYBODY)
    labels = {label for _, pairs in read(EVERYBODY) for label, _ in pairs}
    assert labels == {"issuer", "error", "fault"}


def test_the_documentation_names_every_metric_and_no_other() -> None:
    page = Path(__file__).parents[4] / "docs" / "operations.md"
    documented = set(re.findall(r"^\| `(gatepass_\w+)` \|", page.read_text(), re.MULTILINE))
    likewise = {f"gatepass_introspection_{name}_total" for name in QUESTIONS}
    assert documented | likewise == {name for name, _ in read(EVERYBODY)}


def test_a_name_that_would_break_out_of_its_label_stays_one() -> None:
    odd = replace(GOOD, issuer='https://x.example/"} 1\ngatepass_ready 1\\')
    series = read(replace(EVERYBODY, issuers=(odd,)))
    assert series["gatepass_issuer_keys", frozenset({("issuer", odd.issuer)})] == 2
    assert series["gatepass_ready", frozenset()] == 0
