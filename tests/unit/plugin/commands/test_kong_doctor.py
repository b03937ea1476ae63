"""`gatepass kong doctor`: what it finds in a Kong, and what it says to do."""

import json
from collections.abc import Iterator

import pytest

from gatepass.plugin.gateways.kong.lua import guard
from support.admin_server import hello
from support.kong_admin import Entity, guarding, instance, kong_admin, ours, route
from support.kong_doctor import Patient


@pytest.fixture
def patient(capsys: pytest.CaptureFixture[str]) -> Iterator[Patient]:
    with kong_admin() as admin:
        yield Patient(admin, capsys)


def test_a_kong_as_we_configure_it_is_well(patient: Patient) -> None:
    assert [(item["subject"], item["found"]) for item in patient.findings()] == [
        ("version", "3.9.3"),
        ("protocol", "ProtoBuf:1"),
        ("lua_socket_read_timeout", "5s"),
        ("plugin", "configured; profiles: default"),
        ("guard", "on every route that is judged"),
    ]
    assert not [item for item in patient.findings() if item["advice"]]


@pytest.mark.parametrize("version", ["3.7.1", "2.8.5", "3.4.3.20-enterprise-edition"])
def test_sec_41_before_3_8_only_the_guard_closes(patient: Patient, version: str) -> None:
    patient.admin.version = version
    (wrong,) = patient.wrong()
    assert wrong[0] == "version"
    assert "requests pass while the plugin server is dead" in wrong[1]
    patient.admin.plugins = [ours()]
    assert [subject for subject, _ in patient.wrong()] == ["version", "guard"]


@pytest.mark.parametrize("version", ["", "unknown", "3.x", "3.9.-1", "99999999.1.1"])
def test_a_version_that_is_none_is_not_guessed(patient: Patient, version: str) -> None:
    patient.admin.version = version
    assert ("version", "not known") in patient.notes()


def test_sec_41_messagepack_where_protobuf_would_do(patient: Patient) -> None:
    (server,) = patient.admin.configuration["pluginservers"]
    server["protocol"] = "MsgPack:1"
    assert [subject for subject, _ in patient.wrong()] == ["protocol"]
    del server["protocol"]
    server["query_command"] += " --protocol msgpack"
    assert [subject for subject, _ in patient.wrong()] == ["protocol"]
    patient.admin.plugins = [ours()]
    assert [subject for subject, _ in patient.wrong()] == ["protocol", "guard"]


def test_a_protocol_that_is_not_shown_is_not_guessed(patient: Patient) -> None:
    (server,) = patient.admin.configuration["pluginservers"]
    del server["protocol"]
    assert ("protocol", "ProtoBuf:1") in [
        (item["subject"], item["found"]) for item in patient.findings()
    ]
    server["query_command"] = "cat /run/gatepass/dump.json"
    assert patient.notes() == [("protocol", "not shown by this Kong")]
    patient.admin.plugins = [ours()]
    assert [subject for subject, _ in patient.wrong()] == ["guard"]
    others: list[object] = [{}, "x", [1], [{"name": "other", "protocol": "ProtoBuf:1"}]]
    for servers in others:
        patient.admin.configuration["pluginservers"] = servers
        assert [subject for subject, _ in patient.wrong()] == ["guard"]


def test_without_a_guard_a_kong_that_closes_itself_gets_a_note(patient: Patient) -> None:
    patient.admin.plugins = [ours()]
    assert not patient.wrong()
    assert [subject for subject, _ in patient.notes()] == ["guard", "usage"]


@pytest.mark.parametrize("change", [lambda lua: lua + "--", lambda lua: lua.replace("v1:", "v0:")])
def test_a_guard_of_another_version(patient: Patient, change: object) -> None:
    changed = change(guard()) if callable(change) else ""
    patient.admin.plugins = [ours(), guarding(config={"access": [changed], "body_filter": []})]
    assert patient.wrong() == [("guard", "of another version, or changed, on v1")]


def test_sec_41_a_more_specific_instance_takes_the_guard_away(patient: Patient) -> None:
    patient.admin.configuration["pluginservers"] = []
    patient.admin.routes = [route("v1"), route("v2"), route("v3", "other")]
    lua = {"access": ["return"], "body_filter": []}
    for members, bare in (
        ({"route": {"id": "id-v2"}}, "v2"),
        ({"service": {"id": "other"}}, "v3"),
        ({"service": {"id": "llm"}, "route": {"id": "id-v1"}}, "v1"),
    ):
        specific = instance("post-function", "second", config=lua, **members)
        patient.admin.plugins = [specific, ours(), guarding()]
        found = f"missing on {bare}: requests may pass while the plugin server is away"
        assert patient.wrong() == [("guard", found)]
        specific["enabled"] = False
        assert not patient.wrong()
        specific |= {"enabled": True, "consumer": {"id": "c"}}
        assert not patient.wrong()


def test_sec_41_a_post_function_of_a_consumer_takes_the_guard_away(patient: Patient) -> None:
    found = (
        "an instance of post-function is bound to consumers: for them it takes the place of the "
        "guard"
    )
    for whom in ({"consumer": {"id": "c"}}, {"consumer_group": {"id": "g"}}):
        bound = instance("post-function", "second", config={"access": ["return"]}, **whom)
        patient.admin.plugins = [ours(), guarding(), bound]
        assert not patient.wrong()
        assert patient.notes() == [("guard", found)]
        bound["config"]["access"].append(guard())
        assert not patient.notes()
        bound |= {"config": {}, "enabled": False}
        assert not patient.notes()


def test_a_guard_alone_closes_the_route(patient: Patient) -> None:
    patient.admin.plugins = [ours(service={"id": "llm"}), guarding()]
    patient.admin.routes.append(route("free", None))
    assert patient.wrong() == [
        ("guard", "every request gets 503, because Gatepass judges none, on free")
    ]


def test_routes_that_are_not_judged_are_listed(patient: Patient) -> None:
    patient.admin.plugins = [ours(route={"id": "id-v1"}), guarding(route={"id": "id-v1"})]
    patient.admin.routes += [route(f"open-{number}", None) for number in range(7)]
    patient.admin.routes += [route("x\ny")]
    assert not patient.wrong()
    listed = "'x\\ny', open-0, open-1, open-2, open-3 and 3 more"
    assert patient.notes() == [("routes", f"not judged by Gatepass: {listed}")]


def test_profiles_of_all_routes_are_named(patient: Patient) -> None:
    other = ours(config={"profile": "other"}, route={"id": "id-v2"})
    patient.admin.plugins.append({**other, "id": "second"})
    patient.admin.routes.append(route("v2"))
    assert ("plugin", "configured; profiles: default, other") in [
        (item["subject"], item["found"]) for item in patient.findings()
    ]


def test_nothing_is_judged(patient: Patient) -> None:
    none = ("plugin", "no route is judged: there is no instance that counts")
    patient.admin.plugins = [guarding()]
    assert none in patient.wrong()
    patient.admin.plugins = [ours(enabled=False), guarding()]
    assert ("plugin", "an instance is switched off") in patient.wrong()
    assert none in patient.wrong()
    patient.admin.plugins = [ours(consumer={"id": "c"}), guarding()]
    assert (
        "plugin",
        "an instance is bound to a consumer: it judges nobody else",
    ) in patient.wrong()
    patient.admin.plugins, patient.admin.routes = [], []
    del patient.admin.priorities["gatepass"]
    assert patient.wrong() == [("plugin", "Kong has not loaded gatepass"), none]


def test_without_routes_what_may_come_is_judged(patient: Patient) -> None:
    patient.admin.routes = []
    assert not patient.wrong()
    assert not patient.notes()


@pytest.mark.parametrize(
    ("name", "value", "subject", "wrong"),
    [
        ("trusted_ips", ["10.0.0.0/8", "0.0.0.0/0"], "trusted_ips", True),
        ("trusted_ips", ["::/0"], "trusted_ips", True),
        ("trusted_ips", ["192.0.2.1/0"], "trusted_ips", True),
        ("trusted_ips", ["0.0.0.0/1", "128.0.0.0/1"], "trusted_ips", False),
        ("trusted_ips", ["10.0.0.0/7", "unix:"], "trusted_ips", False),
        ("trusted_ips", ["2000::/3"], "trusted_ips", False),
        ("untrusted_lua", "off", "untrusted_lua", True),
        ("nginx_http_lua_socket_read_timeout", None, "lua_socket_read_timeout", False),
        ("nginx_http_lua_socket_read_timeout", "1m", "lua_socket_read_timeout", False),
        ("nginx_http_lua_socket_read_timeout", "500ms", "lua_socket_read_timeout", False),
        ("nginx_http_lua_socket_read_timeout", "later", "lua_socket_read_timeout", False),
        ("nginx_http_client_body_buffer_size", "8k", "client_body_buffer_size", False),
        ("nginx_http_client_body_buffer_size", None, "client_body_buffer_size", False),
        ("nginx_http_client_max_body_size", "0", "client_max_body_size", False),
        ("nginx_http_client_max_body_size", ["1m"], "client_max_body_size", False),
    ],
)
def test_lines_of_kong_conf(
    patient: Patient, name: str, value: object, subject: str, *, wrong: bool
) -> None:
    patient.admin.configuration[name] = value
    found = patient.wrong() if wrong else patient.notes()
    assert [about for about, _ in found] == [subject]


def test_load_balancers_may_be_trusted(patient: Patient) -> None:
    addresses = ["10.0.0.0/8", "192.0.2.1", "fd00::/16", "2001:db8::1", "unix:", "what?"]
    patient.admin.configuration["trusted_ips"] = addresses
    assert not patient.wrong()
    assert not patient.notes()


def test_the_timeout_follows_our_own_deadline(patient: Patient) -> None:
    for seconds in ("1s", "60s"):
        patient.admin.configuration["nginx_http_lua_socket_read_timeout"] = seconds
        (told,) = [item for item in patient.findings() if item["advice"]]
        assert told["advice"].endswith(" to 3 seconds above doors.kong.deadline")


def test_upstreams(patient: Patient) -> None:
    patient.admin.routes = [route("v1", strip_path=True), route("free", "other", strip_path=True)]
    patient.admin.services = [{"id": "llm"}, {"id": "other", "name": "other"}]
    patient.admin.plugins = [ours(service={"id": "llm"}), guarding(service={"id": "llm"})]
    assert patient.notes()[:2] == [
        ("strip_path", "the upstream gets another path than the one that was judged: v1"),
        ("read_timeout", "a model that thinks for longer than a minute is cut off: llm"),
    ]


def test_the_trap_of_3_9_is_named_and_the_rest_looked_at(patient: Patient) -> None:
    message = b'{"message":"An unexpected error occurred"}'
    patient.admin.answers["/"] = hello(message, 500, server="kong/3.9.3")
    findings = patient.findings()
    assert "Cannot serialise cdata" in findings[0]["found"]
    assert "pluginserver_gatepass_start_cmd" in findings[0]["advice"]
    told = [(item["subject"], item["found"]) for item in findings[1:]]
    assert ("version", "3.9.3") in told
    assert ("protocol", "not shown by this Kong") in told
    assert ("guard", "on every route that is judged") in told
    patient.admin.priorities = {"acl": 950}
    assert ("plugin", "Kong has not loaded gatepass") in patient.wrong()
    patient.admin.answers["/plugins/enabled"] = hello(b"{}", 500)
    assert ("Admin API", "GET /plugins/enabled: answered 500") in patient.wrong()
    assert ("plugin", "Kong has not loaded gatepass") not in patient.wrong()


def test_old_kongs_say_no_priorities(patient: Patient) -> None:
    node: Entity = {"version": "2.8.5", "plugins": {"available_on_server": {"gatepass": True}}}
    patient.admin.answers["/"] = hello(json.dumps(node).encode())
    assert [subject for subject, _ in patient.wrong()] == ["version"]
