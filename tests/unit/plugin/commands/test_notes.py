"""Settings that are valid and refuse everybody, and settings that only look like it."""

from pathlib import Path

import pytest

from gatepass.plugin import load_settings
from gatepass.plugin.commands.notes import notes_on
from support.gates import OPEN_RULES, PRICES, rules, settings_file

USERS_BUDGET = "users.defaults.budget"
NO_PRICES = {"published_prices": False}
REPORTED = {"http": {"usage_token": "t" * 40}}
BUDGET = {"upsert": True, "defaults": {"budget": "$5"}}


def noted(folder: Path, sections: dict[str, object], *, stored: bool = False) -> list[str]:
    notes = notes_on(load_settings(settings_file(folder, **sections)), stored=stored)
    assert all(note.ok and note.note and note.found and note.advice for note in notes)
    return [note.subject for note in notes]


@pytest.mark.parametrize(
    ("sections", "subjects"),
    [
        ({"profiles": {"main": OPEN_RULES}}, ["profiles"]),
        ({"profiles": rules("team", models=[])}, ["profiles.default.permissions.team"]),
        (
            {"profiles": rules(routes=["POST /v1/embeddings"], models=[])},
            ["profiles.default.permissions.internal_user"],
        ),
        (
            {"profiles": rules("proxy_admin", routes=["*"], models=[])},
            ["profiles.default.permissions.proxy_admin"],
        ),
        (
            {
                "route_groups": {"mine": ["/openai/deployments", "/v1/custom/*"]},
                "profiles": rules(routes=["mine"], models=[]),
            },
            ["profiles.default.permissions.internal_user"],
        ),
        ({"budgets": NO_PRICES, "users": BUDGET}, [USERS_BUDGET]),
        ({"budgets": NO_PRICES, "teams": BUDGET}, ["teams.defaults.budget"]),
        ({"budgets": NO_PRICES, "end_users": BUDGET}, ["end_users.defaults.budget"]),
        ({"budgets": NO_PRICES | {"proxy": "5 tokens"}}, ["budgets.proxy"]),
        ({"budgets": {"prices": PRICES, "engine": "none"}, "users": BUDGET}, [USERS_BUDGET]),
        ({"users": {}}, ["users.upsert"]),
        ({"doors": REPORTED}, ["doors.http.usage_token"]),
    ],
)
def test_what_refuses_everybody_is_noted(
    tmp_path: Path, sections: dict[str, object], subjects: list[str]
) -> None:
    assert noted(tmp_path, sections) == subjects


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"doors": REPORTED, "budgets": {"unsettled": "charge"}},
        {"profiles": rules("proxy_admin", routes=["management_routes"], models=[])},
        {"profiles": rules(routes=["GET /v1/models", "/v1/files/*"], models=[])},
        {"profiles": rules(models=["gpt-4o"])},
        {"users": BUDGET, "teams": BUDGET},
        {"budgets": {}},
        {"budgets": {"engine": "none"}},
        {"budgets": NO_PRICES, "users": BUDGET | {"upsert": False}},
        {"budgets": {}, "users": BUDGET},
        {"budgets": NO_PRICES | {"free_models": ["ours"]}, "users": BUDGET},
        {"budgets": NO_PRICES | {"proxy": "5 requests per day"}},
    ],
)
def test_what_is_meant_is_not_noted(tmp_path: Path, sections: dict[str, object]) -> None:
    assert noted(tmp_path, sections, stored=True) == []


@pytest.mark.parametrize(
    ("required", "subjects"),
    [
        ({}, ["issuers[0].require_claims"]),
        ({"sub": "1"}, ["issuers[0].require_claims"]),
        ({"hd": "acme.example"}, []),
        ({"azp": "client"}, []),
    ],
)
def test_sec_12_an_audience_of_google_that_anybody_can_ask_for_is_noted(
    tmp_path: Path, required: dict[str, str], subjects: list[str]
) -> None:
    google = {"preset": "google", "audience": "client", "require_claims": required}
    assert noted(tmp_path, {"issuers": [google]}, stored=True) == subjects
