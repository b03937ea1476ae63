import pytest

from gatepass.jwks.errors import GatepassError
from gatepass.rbac.errors import AccessDenied, AccessFault


@pytest.mark.parametrize("fault", AccessFault)
def test_sec_64_every_fault_has_a_stable_code_and_a_fixed_sentence(fault: AccessFault) -> None:
    denied = AccessDenied(fault)
    assert isinstance(denied, GatepassError)
    assert denied.fault is fault
    assert denied.code == fault.value == fault.name.lower()
    assert str(denied)


def test_sec_64_no_two_faults_share_a_sentence() -> None:
    assert len({str(AccessDenied(fault)) for fault in AccessFault}) == len(AccessFault)
