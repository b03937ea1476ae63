"""The requests with answers in the documentation of a gateway, sent through it."""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

from support.gatepass_service import bearer
from support.gateway_cases import Gateway, identity_of
from support.raw_http import ask

PAGES = Path(__file__).resolve().parents[2] / "docs" / "gateways"


def check_documented(gateway: Gateway, name: str, number: int) -> None:
    """Send one of a page's requests, and compare the answer, and whom the upstream sees."""
    page = (PAGES / name).read_text(encoding="utf-8")
    url, options, answer = re.findall(
        r"\$ curl -i (\S+)(.*?)\n(.*?)(?=\n    \$|\n\n\S)", page, re.DOTALL
    )[number]
    headers = tuple(
        (name, value.replace("$TOKEN", bearer("ann").removeprefix("Bearer ")))
        for name, value in re.findall(r"-H ['\"](.+?): (.+?)['\"]", options)
    )
    gateway.upstream.received.clear()
    reply = ask(gateway.port, "GET", urlsplit(url).path, headers)
    status, *lines = (line.strip() for line in answer.splitlines())
    assert status.split()[1] == str(reply.status)
    for line in lines:
        name, colon, value = line.partition(": ")
        if line.startswith("{"):
            assert json.loads(line) == json.loads(reply.body)
        elif colon:
            assert reply.values(name.lower()) == [value]
    seen = [identity_of(one) for one in gateway.upstream.received]
    told = [("x-gatepass-role", "internal_user"), ("x-gatepass-user", "ann")]
    assert seen == ([told] if reply.status == 200 else [])
