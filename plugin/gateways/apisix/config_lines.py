"""The lines of APISIX's config.yaml that belong to our services, explained by comments."""

from dataclasses import dataclass
from pathlib import PurePath

from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
from gatepass.plugin.gateways.apisix.declarative import WAYS_THAT_REPORT, Way
from gatepass.plugin.gateways.apisix.names import (
    AUTHORIZATION_VARIABLE,
    GUARD,
    LOGGER,
    MARK_PLUGIN,
    RESPONSES,
    UPSTREAM_AUTHORIZATION_VARIABLE,
    USAGE_PLUGIN,
)


@dataclass(frozen=True, slots=True)
class Machine:
    """Where things are: our door, its settings file, and the program; `reports` as elsewhere.

    `door` is None where APISIX asks our HTTP service.
    """

    door: ApisixDoor | None
    max_body_bytes: int
    settings: PurePath
    program: PurePath
    reports: bool


def config_yaml(way: Way, machine: Machine) -> str:
    """Return the whole of a config.yaml, for an APISIX without a database."""
    blocks = [
        _DEPLOYMENT,
        *([] if machine.door is None or way is Way.FORWARD_AUTH else [_runner(way, machine)]),
        _nginx(way, machine),
        _plugins(way, machine),
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


_DEPLOYMENT = [
    "# APISIX's config.yaml for Gatepass, printed by `gatepass apisix config --print config.yaml`.",
    "",
    "deployment:",
    "  role: data_plane",
    "  role_data_plane:",
    "    config_provider: yaml # conf/apisix.yaml, without etcd; leave both out with an Admin API",
]


_COUNTS_NOTHING = [
    "  # seconds of 503. Budgets are counted in one process, and POST /usage is answered by",
    "  # `gatepass serve`: nothing is settled here, and every estimate is charged.",
]
_COUNTS_ITSELF = [
    "  # seconds of 503, and what was spent is forgotten with every reload of APISIX.",
]


def _runner(way: Way, machine: Machine) -> list[str]:
    command = f'["{machine.program}", "apisix", "-c", "{machine.settings}"]'
    spawned = [
        "  # APISIX starts it, as its own account, root more often than not. Its end costs three",
        *(_COUNTS_ITSELF if way is Way.POST_RESP else _COUNTS_NOTHING),
    ]
    if machine.door is None or machine.door.socket is None:
        return ["ext-plugin:", *spawned, f"  cmd: {command}"]
    return [
        "ext-plugin:",
        "  # `gatepass serve` runs beside APISIX: a systemd unit, a container. The name says test;",
        "  # there is no other for a runner that APISIX does not start itself.",
        f'  path_for_test: "{machine.door.socket}"',
        "  # Or, in its place:",
        *spawned,
        f"  # cmd: {command}",
    ]


_HOLDS = {
    AUTHORIZATION_VARIABLE: "holds `Bearer ` and doors.http.usage_token",
    UPSTREAM_AUTHORIZATION_VARIABLE: "holds what the provider gets as Authorization",
}
"""What must stand in APISIX's environment."""


def _nginx(way: Way, machine: Machine) -> list[str]:
    lines = ["nginx_config:"]
    reports = machine.reports and way in WAYS_THAT_REPORT
    variables = [
        *([AUTHORIZATION_VARIABLE] if reports else []),
        *([UPSTREAM_AUTHORIZATION_VARIABLE] if way is Way.AI_PROXY else []),
    ]
    if variables:
        lines += ["  envs: # nginx hides all others from APISIX, and from what it starts"]
        lines += [f"    - {name} # {_HOLDS[name]}" for name in variables]
    return [
        *lines,
        "  http:",
        "    # 0, APISIX's default, takes bodies of any length. One that announces more is nginx's",
        "    # own 413, and nobody is asked. Raise it where files are uploaded",
        f"    client_max_body_size: {machine.max_body_bytes // 1024}k",
        "    # Behind a load balancer: its addresses. Never 0.0.0.0/0, with which every client",
        "    # says itself where it comes from",
        "    # real_ip_header: X-Forwarded-For",
        '    # real_ip_from: ["10.0.0.0/8"]',
    ]


def _plugins(way: Way, machine: Machine) -> list[str]:
    needed = {
        Way.RUNNER: [GUARD, *([MARK_PLUGIN, USAGE_PLUGIN] if machine.reports else [])],
        Way.AI_PROXY: [GUARD, *([MARK_PLUGIN] if machine.reports else []), "ai-proxy"],
        Way.POST_RESP: [GUARD, RESPONSES],
        Way.FORWARD_AUTH: ["proxy-rewrite", "forward-auth"],
    }[way]
    if machine.reports and way in WAYS_THAT_REPORT:
        needed += [LOGGER, "prometheus"]
    return [
        "# APISIX's own list of plugins has all that is needed. A list of your own must name",
        f"#   {', '.join(needed)}",
        *(
            [f"# ({LOGGER} does not load without prometheus's memory)."]
            if "prometheus" in needed
            else []
        ),
    ]
