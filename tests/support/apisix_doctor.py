"""What `gatepass apisix doctor` says of an APISIX whose config.yaml is as we print it."""

from functools import partial
from pathlib import Path, PurePosixPath

import pytest

from gatepass.plugin.commands.apisix_doctor import run_apisix_doctor
from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
from gatepass.plugin.gateways.apisix.config_lines import Machine, config_yaml
from gatepass.plugin.gateways.apisix.declarative import Way
from support import doctors
from support.apisix_admin import ApisixAdmin

DOOR = ApisixDoor(socket=Path("/run/gatepass/apisix.sock"))
MACHINE = Machine(
    door=DOOR,
    max_body_bytes=1024 * 1024,
    settings=PurePosixPath("/etc/gatepass/gatepass.yaml"),
    program=PurePosixPath("/usr/local/bin/gatepass"),
    reports=True,
)


class Patient(doctors.Patient[ApisixAdmin]):
    """An APISIX's API and its config.yaml, and the doctor who looks at them."""

    def __init__(
        self, admin: ApisixAdmin, capsys: pytest.CaptureFixture[str], folder: Path
    ) -> None:
        self.file = folder / "config.yaml"
        self.file.write_text(config_yaml(Way.RUNNER, MACHINE))
        super().__init__(admin, capsys, partial(run_apisix_doctor, file=self.file))


UNSEEN = ("global rules", "not shown by the control API, nor are plugin configs")


def noted(patient: Patient) -> list[tuple[str, str]]:
    """Return the notes that are not there for every control API."""
    return [found for found in patient.notes() if found != UNSEEN]


def subjects(found: list[tuple[str, str]]) -> list[str]:
    return [subject for subject, _ in found]
