"""What `gatepass kong doctor` says of a Kong."""

import pytest

from gatepass.plugin.commands.kong_doctor import run_kong_doctor
from support import doctors
from support.kong_admin import KongAdmin


class Patient(doctors.Patient[KongAdmin]):
    """A Kong's Admin API, and the doctor who looks at it."""

    def __init__(self, admin: KongAdmin, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__(admin, capsys, run_kong_doctor)
