from dataclasses import FrozenInstanceError

import pytest

from gatepass.rbac.models import ALL_MODELS, NO_MODELS
from gatepass.rbac.permissions import Permission
from gatepass.rbac.routes import NO_ROUTES


def test_a_permission_cannot_be_widened() -> None:
    permission = Permission(NO_ROUTES, NO_MODELS)
    with pytest.raises(FrozenInstanceError):
        permission.models = ALL_MODELS  # type: ignore[misc]
