"""What docs/issuers.md says of bound tokens, line by line."""

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from gatepass.plugin.request import CertificateState, Request
from support.clock import ManualClock
from support.gates import KEY, chat_body, code_of, open_gate
from support.proofs import THIEF_KEY, bound_to, proof_for
from support.tokens import AUDIENCE, b64, digest, key_set

PAGE = Path(__file__).parents[3] / "docs" / "issuers.md"
SECTION = PAGE.read_text(encoding="utf-8").partition("## Tokens bound to their sender\n")[2]
HASH = digest(b"a certificate")


def settings() -> dict[str, object]:
    (text,) = re.findall(r"```yaml\n(.*?)```", SECTION, re.DOTALL)
    document: dict[str, Any] = yaml.safe_load(text.replace("llm-gateway", AUDIENCE))
    (issuer,) = document["issuers"]
    here = {"algorithms": ["EdDSA"], "jwks": {"keys": [KEY.jwk()]}, "claims": {"user": "user"}}
    return document | {"issuers": [issuer | here]}


async def test_the_table_of_answers_is_true(tmp_path: Path) -> None:
    rows = re.findall(r"^\| (bound .*?) \| (.*?) \| `(\w+)` \|$", SECTION, re.MULTILINE)
    common = {"iss": "https://login.example.com/realms/acme", "user": "ann"}
    tokens = {
        "bound to nothing": KEY.token(common | {"typ": "Bearer"}),
        "bound to a key": KEY.token(common | {"typ": "DPoP", "cnf": bound_to()}),
        "bound to a certificate": KEY.token(
            common | {"typ": "Bearer", "cnf": {"x5t#S256": b64(HASH)}}
        ),
        "bound to something else": KEY.token(common | {"typ": "Bearer", "cnf": {"kid": "k"}}),
    }
    assert len(rows) == 14
    clock = ManualClock(time.time() - 7200)
    async with open_gate(tmp_path, clock, **settings()) as gate:
        clock.advance(7201)
        last = b""
        for kind, sent, answer in rows:
            token = tokens[kind]
            proofs = {
                "the same proof again": last,
                "a proof by another key": proof_for(token, THIEF_KEY),
                "a proof for another URL": proof_for(token, htu="https://llm.example.com/v1"),
                "a proof for another token": proof_for(b"another"),
                "a proof of an hour ago": proof_for(token, iat=time.time() - 3600),
            }
            certificates: dict[str, bytes | CertificateState] = {
                "the client's certificate": HASH,
                "another certificate": digest(b"another"),
                "no certificate": CertificateState.NONE,
            }
            last = proofs.get(sent, proof_for(token))
            bearer = sent == "`Authorization: Bearer`" or kind.endswith(("certificate", "else"))
            request = Request(
                "POST",
                b"/v1/chat/completions",
                [
                    (b"authorization", (b"Bearer " if bearer else b"DPoP ") + token),
                    *([] if bearer else [(b"dpop", last)]),
                ],
                chat_body(),
                client_certificate=certificates.get(sent, CertificateState.NOT_SHOWN),
            )
            assert await code_of(gate, request) == answer, (kind, sent)


def test_the_program_runs(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
    (printed,) = re.findall(r"^It prints `(.*)`\.$", SECTION, re.MULTILINE)
    token = KEY.token({"cnf": bound_to()})
    (tmp_path / "keys.json").write_bytes(key_set(KEY))
    (tmp_path / "token").write_bytes(token)
    # from a moment ahead, because a proof from before the start may have been used then
    (tmp_path / "proof").write_bytes(proof_for(token, iat=time.time() + 8))
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert done.stdout == f"{printed}\n"
