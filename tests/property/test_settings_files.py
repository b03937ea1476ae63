"""Whatever stands in a settings file: it is settings that compile, or a ConfigurationError."""

import random
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.settings import Settings, compile_settings, load_settings, make_settings
from gatepass.plugin.settings.hints import places

EXAMPLE = Path(__file__).parents[2] / "examples" / "gatepass.yaml"
LINES = EXAMPLE.read_text(encoding="utf-8").splitlines(keepends=True)
VALUES = yaml.load("".join(LINES), yaml.BaseLoader)  # noqa: S506 - BaseLoader makes text, lists and dicts

NAMES = st.sampled_from(sorted(places()))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["all", "5m", "$5", "1MiB", "openai_routes", "/a/*", "https://a.example"])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)


def problems(path: Path) -> tuple[str, ...]:
    """Return what is wrong with the file; none if it compiles."""
    try:
        compile_settings(load_settings(path, environ={}))
    except ConfigurationError as error:
        return error.problems or ("an error without a problem",)
    return ()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("settings") / "gatepass.yaml"


@given(st.text() | st.binary())
def test_any_text(path: Path, content: str | bytes) -> None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    assert all(problem.startswith(f"{path}:") for problem in problems(path))


@given(st.randoms(use_true_random=False), st.integers(1, 4))
def test_the_example_with_damage(path: Path, chance: random.Random, wounds: int) -> None:
    lines = list(LINES)
    for _ in range(wounds):
        at = chance.randrange(len(lines))
        line = lines[at]
        cut = chance.randrange(len(line) + 1)
        lines[at] = chance.choice(
            [
                "",
                line * 2,
                line[:cut] + line[cut + 1 :],
                line[:cut] + chance.choice(":-[]{}&*!|>'\"%@`#,${~?\t\0 \x85") + line[cut:],
                "  " + line,
                lines[chance.randrange(len(lines))],
            ]
        )
    path.write_text("".join(lines), encoding="utf-8")
    assert all(problem.startswith(f"{path}:") for problem in problems(path))


@given(st.lists(st.tuples(st.randoms(use_true_random=False), ANYTHING), min_size=1, max_size=3))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_the_example_with_anything_somewhere(
    changes: list[tuple[random.Random, object]],
) -> None:
    values: object = VALUES
    for chance, anything in changes:
        values = replaced(values, anything, chance)
    assert isinstance(values, dict)
    with suppress(ConfigurationError):
        assert isinstance(make_settings(values), Settings)


def replaced(value: object, anything: object, chance: random.Random) -> object:
    """Return the value with something else at a place of chance, never at its top."""
    if isinstance(value, dict) and value:
        name = chance.choice(list(value))
        if chance.random() < 0.3:
            return {**value, name: anything}
        return {**value, name: replaced(value[name], anything, chance)}
    if isinstance(value, list) and value:
        at = chance.randrange(len(value))
        return [*value[:at], replaced(value[at], anything, chance), *value[at + 1 :]]
    return anything
