"""Stands in for APISIX's launcher: takes its files as the real one does, and refuses everybody.

It ends with an AssertionError where a real APISIX would not start, would not be guarded, or would
leave the test behind in the background.
"""

import os
import re
import socket
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

_VARIABLE = re.compile(r"\$\{\{(\w+)\}\}")
_END = "\n#END\n"


class Refusal(BaseHTTPRequestHandler):
    """Answers 401."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()


def main() -> None:
    """Do as `apisix start` in the folder that this is called in."""
    assert sys.argv[1:] == ["start"]
    assert Path("apisix/cli/apisix.lua").read_text()
    assert Path("conf/mime.types").is_file()
    assert not list(Path("conf").glob("*.sock"))
    config = yaml.safe_load(Path("conf/config.yaml").read_text())
    _check_standalone(config)
    for name in config["nginx_config"]["envs"]:
        assert os.environ[name]
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(config["ext-plugin"]["path_for_test"])
    _check_services(_read_services())
    (place,) = config["apisix"]["node_listen"]
    with ThreadingHTTPServer((place["ip"], place["port"]), Refusal) as server:
        server.serve_forever()


def _check_standalone(config: Mapping[str, Any]) -> None:
    deployment = config["deployment"]
    assert deployment["role"] == "data_plane"
    assert deployment["role_data_plane"]["config_provider"] == "yaml"
    assert config["nginx_config"]["main_configuration_snippet"] == "daemon off;"
    assert config["nginx_config"]["http"]["client_max_body_size"] == "1024k"


def _read_services() -> Mapping[str, Any]:
    assert not os.environ["APISIX_PROFILE"], "it would read another file"
    text = Path("conf/apisix.yaml").read_text()
    assert text.endswith(_END), "the real one does not read it without this"
    document = yaml.safe_load(_VARIABLE.sub(lambda found: os.environ[found[1]], text))
    services = {service["id"]: service for service in document["services"]}
    assert {route["service_id"] for route in document["routes"]} == set(services)
    return services


def _check_services(services: Mapping[str, Any]) -> None:
    for service in services.values():
        (node,) = service["upstream"]["nodes"]
        with socket.create_connection((node["host"], node["port"])):
            pass
        guard = service["plugins"]["ext-plugin-pre-req"]
        assert [plugin["name"] for plugin in guard["conf"]] == ["gatepass"]
        assert guard["allow_degradation"] is False
        logger = service["plugins"]["http-logger"]
        assert logger["auth_header"].startswith("Bearer ")


if __name__ == "__main__":
    main()
