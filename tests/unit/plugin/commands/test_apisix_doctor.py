"""`gatepass apisix doctor`: what it finds in an APISIX, and what it says to do."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepass.plugin.gateways.apisix.declarative import Way
from support.admin_server import hello
from support.apisix_admin import ApisixAdmin, apisix_admin, configured
from support.apisix_doctor import UNSEEN, Patient, noted, subjects

GUARD, RESPONSES, MARK, LOGGER = (
    "ext-plugin-pre-req",
    "ext-plugin-post-resp",
    "serverless-pre-function",
    "http-logger",
)


@pytest.fixture(params=["control", "admin"])
def patient(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Patient]:
    with apisix_admin() as admin:
        admin.control = request.param == "control"
        yield Patient(admin, capsys, tmp_path)


@pytest.fixture
def admin(patient: Patient) -> ApisixAdmin:
    return patient.admin


def test_an_apisix_as_we_configure_it_is_well(patient: Patient) -> None:
    told = [(item["subject"], item["found"]) for item in patient.findings()]
    assert [found for found in told if found != UNSEEN] == [
        ("version", "3.17.0"),
        ("ext-plugin", "a runner beside APISIX"),
        ("plugin", "configured; profiles: default"),
    ]
    assert (UNSEEN in told) == patient.admin.control


@pytest.mark.parametrize("way", [Way.AI_PROXY, Way.POST_RESP])
def test_the_other_ways_are_well_too(patient: Patient, way: Way) -> None:
    patient.admin.services = configured(way)["services"]
    assert not patient.wrong()
    assert not noted(patient)


def test_the_credential_is_asked_for(patient: Patient) -> None:
    patient.admin.control, patient.admin.key = False, "s3cret"
    (wrong,) = patient.findings()
    assert wrong["found"] == "GET /apisix/admin/routes: answered 401"
    assert "X-API-KEY" in wrong["advice"]
    assert all(item["ok"] for item in patient.findings(headers=("X-API-KEY: s3cret",)))


def test_sec_41_allow_degradation_is_named_as_what_it_is(patient: Patient) -> None:
    patient.admin.plugins[GUARD]["allow_degradation"] = True
    ((subject, found),) = patient.wrong()
    assert subject == "allow_degradation"
    assert "requests pass with no decision and with any identity header, on llm" in found


def test_sec_41_a_filter_lets_requests_past(patient: Patient) -> None:
    patient.admin.plugins[GUARD]["_meta"] = {"filter": [["uri", "!=", "/v1/x"]]}
    assert subjects(patient.wrong()) == ["filter"]


def test_a_guard_that_is_not_there(patient: Patient, admin: ApisixAdmin) -> None:
    none = ("plugin", "no route is judged")
    admin.plugins[GUARD]["_meta"] = {"disable": True}
    assert none in patient.wrong()
    assert ("usage", "reported although nobody judges") in [
        (subject, found.partition(":")[0]) for subject, found in patient.wrong()
    ]
    del admin.plugins[GUARD]
    assert none in patient.wrong()
    admin.services[0]["plugins"] = []
    assert patient.wrong() == [none]
    admin.routes, admin.services = [], []
    for empty in ("[]", "{}"):
        admin.empty = json.loads(empty)
        assert patient.wrong() == [none]


def test_a_guard_that_is_not_enabled(patient: Patient, admin: ApisixAdmin) -> None:
    del admin.priorities[GUARD]
    ((subject, found),) = patient.wrong()
    assert (subject, found.partition(":")[0]) == ("plugin", f"{GUARD} is not enabled")


@pytest.mark.parametrize(
    "conf",
    [
        [{"name": "gatepass", "value": "{}"}],
        [{"name": "gatepass", "value": "default"}],
        [{"name": "gatepass"}],
        [{"name": "gatepass", "value": '{"profile": "a b"}'}],
        [{"name": "gatepass", "value": '{"profile": "a", "profile": "b"}'}],
        [{"name": "gatepass", "value": '{"profile": "a"}'}, {"name": "other", "value": "{}"}],
    ],
)
def test_a_configuration_that_the_runner_refuses(patient: Patient, conf: list[object]) -> None:
    patient.admin.plugins[GUARD]["conf"] = conf
    assert patient.wrong() == [
        ("conf", "every request gets 503, because the runner refuses it, on llm")
    ]


@pytest.mark.parametrize("conf", [None, [], [{"name": "other", "value": "{}"}], "x", [1]])
def test_a_guard_of_somebody_else_is_none(patient: Patient, conf: object) -> None:
    patient.admin.plugins[GUARD]["conf"] = conf
    assert ("plugin", "no route is judged") in patient.wrong()


def test_routes_that_are_not_judged_are_listed(patient: Patient, admin: ApisixAdmin) -> None:
    admin.routes += [{"id": n, "uri": f"/{n}", "name": f"open-{n}"} for n in range(7)]
    admin.routes += [{"id": "x\ny", "uri": "/y"}, {"id": "off", "uri": "/off", "status": 0}]
    assert not patient.wrong()
    listed = "'x\\ny', open-0, open-1, open-2, open-3 and 3 more"
    assert noted(patient) == [("routes", f"not judged by Gatepass: {listed}")]


def test_the_most_specific_configuration_counts(patient: Patient, admin: ApisixAdmin) -> None:
    admin.routes[0]["plugins"] = {GUARD: {"_meta": {"disable": True}}, LOGGER: {"uri": "http://x"}}
    assert patient.wrong() == [("plugin", "no route is judged")]
    other = {"name": "gatepass", "value": '{"profile": "other"}'}
    admin.routes[0]["plugins"] = {GUARD: {"conf": [other]}}
    assert ("plugin", "configured; profiles: other") in [
        (item["subject"], item["found"]) for item in patient.findings()
    ]


def test_a_script_takes_the_place_of_all_plugins(patient: Patient, admin: ApisixAdmin) -> None:
    admin.routes.append({**admin.routes[0], "id": "scripted", "name": "", "script": "return {}"})
    assert not patient.wrong()
    assert subjects(noted(patient)) == ["routes", "script"]


def test_plugin_configs(patient: Patient, admin: ApisixAdmin) -> None:
    plugins = admin.plugins
    admin.services, admin.routes = [], [{"id": "llm", "uri": "/v1/*", "plugin_config_id": 1}]
    admin.plugin_configs = [{"id": "1", "plugins": plugins}]
    if not admin.control:
        assert not patient.wrong()
        assert not noted(patient)
        return
    assert patient.wrong() == [("plugin", "no route is judged")]
    admin.routes.append({"id": "two", "plugins": plugins})
    assert noted(patient) == [("routes", "their plugin config is not shown: llm")]


def test_services_that_were_not_shown_are_not_guessed(patient: Patient, admin: ApisixAdmin) -> None:
    path = "/v1/services" if admin.control else "/apisix/admin/services"
    admin.answers[path] = hello(b"{}", 500)
    unshown = ("routes", "their service is not shown: llm")
    assert patient.wrong() == [("API", f"GET {path}: answered 500")]
    assert noted(patient) == [unshown]
    admin.routes[0]["plugins"] = {GUARD: admin.plugins[GUARD]}
    assert patient.wrong() == [("API", f"GET {path}: answered 500")]
    assert noted(patient) == []
    admin.routes.append({"id": "two", "plugins": {}, "service_id": "llm"})
    assert noted(patient) == [("routes", "their service is not shown: two")]


def test_a_service_that_is_not_among_those_shown(patient: Patient, admin: ApisixAdmin) -> None:
    admin.routes.append({"id": "two", "service_id": "gone"})
    assert not patient.wrong()
    assert noted(patient) == [("routes", "their service is not shown: two")]


def test_global_rules(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with apisix_admin() as admin:
        admin.control = False
        patient = Patient(admin, capsys, tmp_path)
        guard = {GUARD: admin.plugins[GUARD]}
        admin.global_rules = [{"id": "1", "plugins": guard}]
        found = "each request is judged twice, and its cost reserved twice, on llm"
        assert patient.wrong() == [("twice", found)]
        del admin.services[0]["plugins"][GUARD]
        assert not patient.wrong()
        assert not patient.notes()


def test_post_req_judges_twice(patient: Patient, admin: ApisixAdmin) -> None:
    admin.plugins["ext-plugin-post-req"] = admin.plugins[GUARD]
    assert subjects(patient.wrong()) == ["twice"]


def test_sec_59_responses_of_what_nobody_judged(patient: Patient, admin: ApisixAdmin) -> None:
    admin.routes.append({"id": "open", "plugins": {RESPONSES: admin.plugins[GUARD]}})
    ((subject, found),) = patient.wrong()
    assert subject == "post-resp"
    assert "a client names any call as its own and settles it, on open" in found
    admin.routes[-1]["plugins"][GUARD] = admin.plugins[GUARD]
    assert not patient.wrong()


@pytest.mark.parametrize(
    "conf",
    [
        [{"name": "gatepass", "value": "{}"}],
        [{"name": "other", "value": "{}"}],
        [],
        None,
    ],
)
def test_a_conf_that_spoils_every_response(patient: Patient, conf: object) -> None:
    """There is one runner: what is meant for another one, ours refuses."""
    patient.admin.plugins[RESPONSES] = {"conf": conf}
    ((subject, found),) = patient.wrong()
    assert subject == "post-resp"
    assert found.startswith("every response becomes a 503 with the upstream's body")


def test_sec_59_responses_in_a_global_rule(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with apisix_admin() as admin:
        admin.control = False
        patient = Patient(admin, capsys, tmp_path)
        admin.global_rules = [{"id": "1", "plugins": {RESPONSES: admin.plugins[GUARD]}}]
        assert not patient.wrong()
        admin.routes.append({"id": "open", "plugins": {}})
        assert subjects(patient.wrong()) == ["post-resp"]


def test_who_runs_before_and_after_the_decision(patient: Patient, admin: ApisixAdmin) -> None:
    admin.priorities["our-own"] = 20_000
    for name in ("request-id", "zipkin", "our-own", "cors", "proxy-rewrite", "jwt-auth"):
        admin.plugins[name] = {}
    admin.plugins["limit-count"] = {"count": 1}
    assert not patient.wrong()
    found = dict(noted(patient))
    assert list(found) == [
        *("order: cors", "order: jwt-auth", "order: our-own", "order: proxy-rewrite"),
    ]
    assert "preflight requests have no token" in found["order: cors"]
    assert found["order: our-own"] == "runs before the decision, on llm"
    admin.plugins["cors"] = {"_meta": {"priority": 13_000}}
    assert "answers preflight requests itself" in dict(noted(patient))["order: cors"]


def test_lua_in_any_plugin(patient: Patient, admin: ApisixAdmin) -> None:
    admin.plugins["limit-count"] = {"_meta": {"pre_function": "return function() end"}}
    assert subjects(noted(patient)) == ["pre_function"]
    admin.plugins["limit-count"] = {"_meta": "x"}
    admin.plugins[MARK] = {"phase": "access", "functions": ["return function() end"]}
    assert subjects(noted(patient)) == ["order: serverless-pre-function", "usage"]


@pytest.mark.parametrize(("plugin", "priority"), [(MARK, 12_000), (MARK, 13_000), (GUARD, 9_999)])
def test_sec_59_a_mark_before_the_decision(patient: Patient, plugin: str, priority: int) -> None:
    patient.admin.plugins[plugin]["_meta"] = {"priority": priority}
    ((subject, found),) = patient.wrong()
    assert subject == "order"
    assert "refused requests can settle others" in found


def test_a_model_that_was_not_judged(patient: Patient, admin: ApisixAdmin) -> None:
    admin.services = configured(Way.AI_PROXY)["services"]
    admin.plugins["ai-proxy"]["options"] = {"model": "gpt-4o"}
    assert subjects(noted(patient)) == ["model"]
    admin.plugins["ai-proxy-multi"] = {"instances": [1, {"options": {"model": "x"}}]}
    del admin.plugins["ai-proxy"]
    assert subjects(noted(patient)) == ["model"]


def test_sec_59_what_ai_proxy_counted_needs_the_mark_too(
    patient: Patient, admin: ApisixAdmin
) -> None:
    admin.services = configured(Way.AI_PROXY)["services"]
    assert noted(patient) == []
    del admin.plugins[MARK]
    assert ("usage", "calls are charged by their estimate, on llm") in noted(patient)
