"""Which certificate a client holds, as real gateways say it: theirs is the only word (SEC-44)."""

import http.client
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from gatepass.plugin.gateways.certificates import CertificateForm, CertificateHeader
from gatepass.plugin.request import CertificateState
from support.certificates import self_signed
from support.doors import Bounds, ScriptedDecider, running_door
from support.echo import EchoUpstream
from support.gateways import Edit, run_caddy, run_envoy, run_nginx, run_traefik
from support.servers import FolderFactory

Run = Callable[[Path, int, int, Edit], AbstractContextManager[int]]


@dataclass(frozen=True)
class Asked:
    """A gateway that ends TLS in front of a decision service that notes what it is told."""

    port: int
    decider: ScriptedDecider
    header: str
    client: tuple[Path, Path]

    def said(self, *, certificate: bool, forged: str | None = None) -> bytes | CertificateState:
        """Return what the service is told of one request's certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if certificate:
            context.load_cert_chain(*self.client)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context)
        self.decider.requests.clear()
        headers = {"X-Forwarded-Uri": "/public", "X-Forwarded-Method": "HEAD"}
        if forged is not None:
            headers[self.header] = forged
        try:
            connection.request("GET", "/v1/models", headers=headers)
            answer = connection.getresponse()
            answer.read()
        finally:
            connection.close()
        assert answer.status == 200
        (request,) = self.decider.requests
        assert self.header not in {name.decode() for name, _ in request.headers}
        assert (request.method, request.target) == ("GET", b"/v1/models")
        return request.client_certificate


def _nginx(text: str, certificate: Path, key: Path) -> str:
    tls = (
        f"\n        ssl_certificate {certificate};\n        ssl_certificate_key {key};"
        "\n        ssl_verify_client optional_no_ca;"
    )
    text = re.sub(r"listen (127\.0\.0\.1:\d+);", rf"listen \1 ssl;{tls}", text)
    ours = "proxy_set_header X-Original-Method $request_method;"
    return text.replace(ours, f"{ours} proxy_set_header X-Client-Cert $ssl_client_escaped_cert;")


_ENVOY_TLS = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"


def _envoy(text: str, certificate: Path, key: Path) -> str:
    tls = f"""- transport_socket:
            name: envoy.transport_sockets.tls
            typed_config:
              "@type": type.googleapis.com/{_ENVOY_TLS}
              require_client_certificate: false
              common_tls_context:
                tls_certificates:
                  - certificate_chain: {{filename: {certificate}}}
                    private_key: {{filename: {key}}}
                validation_context: {{trust_chain_verification: ACCEPT_UNTRUSTED}}
          filters:"""
    text = text.replace("- filters:", tls, 1)
    name = "stat_prefix: gateway"
    return text.replace(
        name, f"{name}\n                forward_client_cert_details: SANITIZE_SET", 1
    )


def _caddy(text: str, certificate: Path, key: Path) -> str:
    tls = f"\ttls {certificate} {key} {{\n\t\tclient_auth {{\n\t\t\tmode request\n\t\t}}\n\t}}\n"
    text = re.sub(r"(\n[ \t]*bind [^\n]*\n)", lambda found: found[1] + tls, text, count=1)
    # the test asks an address, which no SNI can name
    text = text.replace(
        "admin off", "admin off\n\tservers {\n\t\tstrict_sni_host insecure_off\n\t}"
    )
    placeholder = "{http.request.tls.client.certificate_der_base64}"
    return re.sub(
        r"(\n[ \t]*uri [^\n]*\n)",
        lambda found: f"{found[1]}\t\t\theader_up X-Client-Cert {placeholder}\n",
        text,
        count=1,
    )


def _traefik(text: str, certificate: Path, key: Path) -> str:
    chain = "middlewares: [gatepass, ends-here]"
    # without it the question has no X-Forwarded header but Traefik's own four
    text = text.replace("trustForwardHeader: false", "trustForwardHeader: true")
    text = text.replace(chain, "middlewares: [shows, gatepass, ends-here]\n      tls: {}")
    shows = "  middlewares:\n    shows: {passTLSClientCert: {pem: true}}\n"
    text = text.replace("  middlewares:\n    gatepass:", f"{shows}    gatepass:")
    if "routers:" not in text:
        return text
    # by plain http, so that it shows when the routes are known
    started = "started: {rule: Path(`/started`), entryPoints: [web], service: llm}"
    text = text.replace("  routers:\n", f"  routers:\n    {started}\n")
    store = f"{{default: {{defaultCertificate: {{certFile: {certificate}, keyFile: {key}}}}}}}"
    options = "{default: {clientAuth: {clientAuthType: RequestClientCert}}}"
    return f"{text}\ntls: {{stores: {store}, options: {options}}}\n"


@dataclass(frozen=True)
class Way:
    """How one gateway is run and shows certificates."""

    name: str
    run: Run
    header: str
    form: CertificateForm
    edit: Callable[[str, Path, Path], str]


WAYS = (
    Way("envoy", run_envoy, "x-forwarded-client-cert", CertificateForm.XFCC, _envoy),
    Way("nginx", run_nginx, "x-client-cert", CertificateForm.PEM, _nginx),
    Way("traefik", run_traefik, "x-forwarded-tls-client-cert", CertificateForm.DER, _traefik),
    Way("caddy", run_caddy, "x-client-cert", CertificateForm.DER, _caddy),
)


@pytest.fixture(scope="module", params=WAYS, ids=lambda way: way.name)
def asked(
    request: pytest.FixtureRequest, folders: FolderFactory, upstream: EchoUpstream
) -> Iterator[Asked]:
    way: Way = request.param
    server, client = self_signed(folders()), self_signed(folders(), "client.example")
    decider = ScriptedDecider()
    bounds = Bounds(client_certificate=CertificateHeader(way.header.encode(), way.form))

    def edit(text: str) -> str:
        return way.edit(text, *server)

    with (
        running_door(decider, bounds) as door,
        way.run(folders(), door.port, upstream.port, edit) as port,
    ):
        yield Asked(port, decider, way.header, client)


def _fingerprint(path: Path) -> bytes:
    return sha256(ssl.PEM_cert_to_DER_cert(path.read_text())).digest()


def test_the_certificate_of_the_connection_is_known(asked: Asked) -> None:
    assert asked.said(certificate=True) == _fingerprint(asked.client[0])
    assert asked.said(certificate=False) is CertificateState.NONE


def test_sec_37_44_a_certificate_that_the_client_writes_itself_is_not_believed(
    asked: Asked,
) -> None:
    stolen = "Hash=" + "0" * 64
    for forged in (stolen, ":AAAA:", "AAAA", asked.client[0].read_text().replace("\n", "%0A")):
        assert asked.said(certificate=False, forged=forged) is CertificateState.NONE
        known = asked.said(certificate=True, forged=forged)
        assert known == _fingerprint(asked.client[0])
