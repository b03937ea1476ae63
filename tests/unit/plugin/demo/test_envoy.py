"""The tour's Envoy is the Envoy that people are told to set up."""

from pathlib import Path

import yaml

from gatepass.plugin.demo import envoy

EXAMPLE = Path(__file__).resolve().parents[4] / "examples" / "envoy" / "envoy.yaml"


def test_the_tour_runs_the_example_but_for_the_lock_that_it_leaves_open(tmp_path: Path) -> None:
    path = tmp_path / "envoy.yaml"
    envoy.write_configuration(path, gateway=8080, service=8700, upstream=9000)
    example = EXAMPLE.read_text(encoding="utf-8")
    lock = "headers_with_underscores_action: "
    assert example.count(f"{lock}REJECT_REQUEST") == 1
    opened = example.replace(f"{lock}REJECT_REQUEST", f"{lock}ALLOW")
    assert yaml.safe_load(path.read_text(encoding="utf-8")) == yaml.safe_load(opened)


def test_the_command_runs_the_binary_of_the_wheel(tmp_path: Path) -> None:
    binary, *options = envoy.command(tmp_path / "envoy.yaml")
    assert Path(binary).is_file()
    assert "--use-dynamic-base-id" in options
