import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.directory.rules import DirectoryRules, RowDefaults


def test_nobody_is_made_unless_said() -> None:
    rules = DirectoryRules()
    assert (rules.user_upsert, rules.team_upsert) == (False, False)


@pytest.mark.parametrize("models", [("",), ("x" * 257,), ("*a*",) * 101])
def test_patterns_that_cannot_be_are_a_configuration_error(models: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match="models: "):
        RowDefaults(models=models)


@pytest.mark.parametrize("models", [None, (), ("gpt-4o*",)])
def test_patterns_that_can_be_are_kept(models: tuple[str, ...] | None) -> None:
    assert RowDefaults(models=models).models == models
