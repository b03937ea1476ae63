"""How problems are worded, placed and ordered."""

import pytest

from gatepass.plugin.settings.problems import (
    BadValue,
    Finding,
    Location,
    Origin,
    did_you_mean,
    location_text,
    nearest,
    repeated,
)


@pytest.mark.parametrize(
    ("location", "text"),
    [
        ((), ""),
        (("users", "upsert"), "users.upsert"),
        (("issuers", 0, "claims", "user", 1), "issuers[0].claims.user[1]"),
        (("profiles", "a b", "x"), 'profiles["a b"].x'),
        (("a\n1:1: users",), '["a\\n1:1: users"]'),
        (("",), '[""]'),
        (("x" * 100,), f'["{"x" * 60}"]'),
    ],
)
def test_locations_are_written_as_people_do(location: Location, text: str) -> None:
    assert location_text(location) == text


def test_problems_come_in_the_order_of_the_file_once_each() -> None:
    origin = Origin(
        "f.yaml", marks={(): (1, 1), ("b",): (2, 1), ("a",): (10, 3), ("a", 0): (10, 7)}
    )
    findings = [
        Finding(("a", 0), "third"),
        Finding(("a",), "second"),
        Finding(("b", "x"), "first: at the nearest place that the file knows"),
        Finding(("a", 0), "third"),
        Finding(("c",), "missing: at the top"),
        Finding((), "marked", mark=(99, 9)),
    ]
    assert origin.error(findings).problems == (
        "f.yaml:1:1: c: missing: at the top",
        "f.yaml:2:1: b.x: first: at the nearest place that the file knows",
        "f.yaml:10:3: a: second",
        "f.yaml:10:7: a[0]: third",
        "f.yaml:99:9: marked",
    )


def test_an_index_that_the_file_does_not_have_is_not_shown() -> None:
    origin = Origin("f.yaml", marks={(): (1, 1), ("audience",): (3, 5)})
    assert origin.error([Finding(("audience", 0), "no")]).problems == ("f.yaml:3:5: audience: no",)


def test_settings_without_a_file_have_no_places() -> None:
    findings = [Finding(("audience", 0), "no"), Finding((), "all wrong")]
    assert Origin().error(findings).problems == ("settings: all wrong", "settings: audience[0]: no")


def test_a_finding_can_be_seen_from_further_up() -> None:
    wrong = BadValue("no", Finding((1,), "neither"))
    assert [finding.below(("a",)).location for finding in wrong.findings] == [("a",), ("a", 1)]
    assert str(wrong) == "the value can only be wrong"


def test_what_was_meant() -> None:
    choices = ("audience", "issuer", "algorithms")
    assert nearest("audiance", choices) == "audience"
    assert nearest("Audience", choices) == "audience"
    assert nearest("profile", choices) is None
    assert did_you_mean("algoritms", choices) == '; did you mean "algorithms"?'
    assert did_you_mean("profile", choices) == ""


def test_what_stands_twice() -> None:
    named = [(("a",), 1), (("b",), 2), (("c",), 1)]
    assert [f.location for f in repeated(named, "again")] == [("c",)]
    assert [f.location for f in repeated(named, "again", taken=[2])] == [("b",), ("c",)]
