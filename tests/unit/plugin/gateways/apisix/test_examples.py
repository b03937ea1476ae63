"""examples/apisix/: the same as `gatepass apisix config` prints, and it loads."""

import re
from pathlib import Path, PurePosixPath

import pytest
import yaml

from gatepass.plugin.commands.apisix_config import ConfigOptions, run_apisix_config
from gatepass.plugin.gateways.apisix.config_lines import Machine, config_yaml
from gatepass.plugin.gateways.apisix.declarative import Way
from gatepass.plugin.gateways.apisix.names import AUTHORIZATION_VARIABLE
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from gatepass.plugin.settings import Compiled, compile_settings, load_settings
from support.units import check_unit, needs_systemd

CHECKOUT = Path(__file__).resolve().parents[5]
EXAMPLES = CHECKOUT / "examples" / "apisix"
SETTINGS = PurePosixPath("/etc/gatepass/gatepass.yaml")
PROGRAM = Path("/usr/local/bin/gatepass")
TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Compiled:
    """Return the settings of the example; the token comes from the environment."""
    monkeypatch.setenv("GATEPASS_USAGE_TOKEN", TOKEN)
    return compile_settings(load_settings(EXAMPLES / "gatepass.yaml"))


def test_the_example_is_what_the_command_prints(
    compiled: Compiled, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compiled.http.usage_token == TOKEN.encode()
    options = ConfigOptions(["llm=http://llm.internal:4000"], ["/v1"])
    run_apisix_config(EXAMPLES / "gatepass.yaml", options)
    assert (EXAMPLES / "apisix.yaml").read_text() == capsys.readouterr().out


def test_the_config_yaml_of_the_example_is_what_the_command_prints(compiled: Compiled) -> None:
    door = compiled.apisix
    assert door is not None
    machine = Machine(door, door.max_body_bytes, SETTINGS, PROGRAM, reports=True)
    assert (EXAMPLES / "config.yaml").read_text() == config_yaml(Way.RUNNER, machine)


def test_the_containers_are_configured_alike(compiled: Compiled) -> None:
    door = compiled.apisix
    assert door is not None
    assert door.socket is not None
    document = yaml.safe_load((EXAMPLES / "compose.yaml").read_text())
    apisix, ours = document["services"]["apisix"], document["services"]["gatepass"]
    doctor = document["services"]["doctor"]
    assert apisix["ports"] == ["9080:9080"], "neither API is anybody else's"
    assert ours["network_mode"] == doctor["network_mode"] == "service:apisix"
    assert str(compiled.http.listen).startswith("127.0.0.1:")
    assert doctor["image"] == ours["image"]
    assert doctor["command"][:4] == ["gatepass", "apisix", "doctor", "http://127.0.0.1:9090"]
    assert doctor["profiles"], "it is run when it is asked for"
    token = "${GATEPASS_USAGE_TOKEN:?see the top of this file}"
    assert apisix["environment"] == {"GATEPASS_USAGE_AUTHORIZATION": f"Bearer {token}"}
    assert ours["environment"] == {"GATEPASS_USAGE_TOKEN": token}
    for service in (apisix, ours, doctor):
        for volume in service["volumes"]:
            source, target = volume.split(":")[:2]
            assert source in document["volumes"] or (EXAMPLES / source).is_file()
            assert source != "socket" or target == str(door.socket.parent)
    containerfile = (EXAMPLES / "Containerfile").read_text()
    assert f'CMD ["gatepass", "serve", "-c", "{SETTINGS}"]\n' in containerfile
    assert f"--gid {apisix['group_add'][0]} {door.group}" in containerfile
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", containerfile, re.MULTILINE)
    names = [name for line in copied for name in line.split()]
    assert all((CHECKOUT / name).exists() for name in names)
    assert "." not in names, "nobody wants a virtual environment, or a database, in an image"


def test_the_unit_runs_where_the_settings_say(compiled: Compiled) -> None:
    door = compiled.apisix
    assert door is not None
    assert door.socket is not None
    unit = (EXAMPLES / "gatepass.service").read_text()
    assert f"ExecStart={PROGRAM} serve -c {SETTINGS}\n" in unit
    assert f"SupplementaryGroups={door.group}\n" in unit
    (folder,) = re.findall("^RuntimeDirectory=(.*)$", unit, re.MULTILINE)
    assert f"/run/{folder}" == str(door.socket.parent)
    assert "\nUMask=0077\n" in unit


def test_apisixs_own_unit_gets_the_variable_that_its_config_yaml_names() -> None:
    drop_in = (EXAMPLES / "apisix.service.d" / "gatepass.conf").read_text()
    assert f'# {AUTHORIZATION_VARIABLE}="Bearer ' in drop_in
    assert "\n[Service]\n" in drop_in
    assert "\nEnvironmentFile=/etc/gatepass/" in drop_in
    (line,) = [
        line
        for line in (EXAMPLES / "config.yaml").read_text().splitlines()
        if AUTHORIZATION_VARIABLE in line
    ]
    assert "`Bearer ` and doors.http.usage_token" in line


@needs_systemd
def test_systemd_knows_every_line_of_the_unit(tmp_path: Path) -> None:
    check_unit((EXAMPLES / "gatepass.service").read_text(), PROGRAM, tmp_path)


def test_the_answer_in_the_documentation_is_ours() -> None:
    page = (CHECKOUT / "docs" / "gateways" / "apisix.md").read_text()
    refusal = refuse_for(Reason.NO_TOKEN)
    assert f"    {refusal.body.decode()}\n" in page
    for name, value in refusal.response_headers:
        assert f"    {name.decode()}: {value.decode()}\n".lower() in page.lower()
