"""What Kong is told before it starts; some of what it must not be told it would accept."""

import json
import re
import subprocess
import sys
from typing import Any, get_args

import pytest

from gatepass.plugin.gateways.kong.dump import Protocol, dump
from gatepass.plugin.gateways.kong.marker import MAX_PROFILE_CHARS, PROFILE_PATTERN
from gatepass.plugin.settings.fields import PlainName
from gatepass.plugin.settings.problems import BadValue
from gatepass.plugin.version import VERSION
from support.lua import new_runtime

CHECK = get_args(PlainName)[1].func
NAMES = [
    *("default", "a", "Z", "0", "9x", "team-a", "team_a", "v1.2", "a.", "a-", "a_", "x" * 64),
    *("", " ", "-a", "_a", ".a", "a b", "a\n", "\na", "a\x00", "a/b", "a:b", "a%b", "x" * 65),
    *("é", "a\u00e9", "a\U0001f600", "{vault://env/profile}", "$(id)", "a]", "a^", "a%d", "*"),
]


def told(protocol: Protocol = "ProtoBuf:1") -> dict[str, Any]:
    document = json.loads(dump(protocol))
    assert list(document) == ["Protocol", "Plugins"]
    assert document["Protocol"] == protocol
    (plugin,) = document["Plugins"]
    assert isinstance(plugin, dict)
    return plugin


@pytest.mark.parametrize("protocol", get_args(Protocol))
def test_the_whole_document(protocol: Protocol) -> None:
    protocols = ["grpc", "grpcs", "http", "https"]
    assert told(protocol) == {
        "Name": "gatepass",
        "Priority": 1005,
        "Version": VERSION,
        "Phases": ["access", "log"],
        "Schema": {
            "name": "gatepass",
            "fields": [
                {"consumer": {"type": "foreign", "reference": "consumers", "eq": None}},
                {
                    "protocols": {
                        "type": "set",
                        "required": True,
                        "default": protocols,
                        "elements": {"type": "string", "one_of": protocols},
                    }
                },
                {
                    "config": {
                        "type": "record",
                        "fields": [
                            {
                                "profile": {
                                    "type": "string",
                                    "required": True,
                                    "default": "default",
                                    "len_min": 1,
                                    "len_max": 64,
                                    "match": PROFILE_PATTERN,
                                }
                            }
                        ],
                    }
                },
            ],
        },
    }


def test_sec_41_kong_knows_the_phases_as_they_are_spelled() -> None:
    """Kong takes a phase that it does not know without a word, and then runs without us."""
    known = {"certificate", "rewrite", "access", "response", "preread", "log"}
    phases = told()["Phases"]
    assert set(phases) <= known
    assert phases[0] == "access"
    assert "response" not in phases, "Kong holds whole answers back for such a plugin"


def test_kongs_rules_for_the_parts() -> None:
    plugin = told()
    assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", plugin["Version"])
    assert type(plugin["Priority"]) is int
    for field in plugin["Schema"]["fields"]:
        assert len(field) == 1, "Kong wants one key per field"
    (profile,) = plugin["Schema"]["fields"][-1]["config"]["fields"]
    assert "referenceable" not in profile["profile"], "a lost reference would arrive as nothing"
    assert "\n" not in dump("ProtoBuf:1")


def test_we_run_between_kongs_identities_and_what_counts_by_them() -> None:
    before = {"cors": 2000, "jwt": 1450, "key-auth": 1250, "hmac-auth": 1030}
    after = {"grpc-gateway": 998, "ip-restriction": 990, "acl": 950, "rate-limiting": 910}
    after |= {"request-transformer": 801, "ai-request-transformer": 777, "ai-proxy": 770}
    after |= {"proxy-cache": 100, "post-function": -1000}
    ours = told()["Priority"]
    assert max(after.values()) < ours < min(before.values())


@pytest.mark.parametrize("name", NAMES)
def test_kong_and_the_settings_have_the_same_names(name: str) -> None:
    try:
        CHECK(name)
        ours = True
    except BadValue:
        ours = False
    matches = new_runtime().eval(b"function(text, pattern) return text:match(pattern) ~= nil end")
    text = name.encode()
    kongs = matches(text, PROFILE_PATTERN.encode()) and 1 <= len(text) <= MAX_PROFILE_CHARS
    assert kongs is ours


def test_the_dump_needs_nothing_that_is_slow_to_load() -> None:
    program = (
        "import sys; before = set(sys.modules); from gatepass.plugin.gateways.kong.dump import "
        "dump; dump('ProtoBuf:1'); print(*sorted(set(sys.modules) - before))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    ours = {name for name in run.stdout.split() if name.startswith("gatepass.")}
    assert ours == {
        "gatepass.plugin",
        *("gatepass.plugin.gateways", "gatepass.plugin.gateways.kong", "gatepass.plugin.version"),
        *("gatepass.plugin.gateways.kong.dump", "gatepass.plugin.gateways.kong.marker"),
    }
    assert not {"pydantic", "msgspec", "asyncio", "yaml", "typer", "httpx"} & {
        name.partition(".")[0] for name in run.stdout.split()
    }
