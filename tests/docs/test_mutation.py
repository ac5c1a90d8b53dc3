"""The measure of the tests is about modules and tests that exist."""

import importlib.util
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "benchmarks" / "mutation"
GROUPS = tomllib.loads((PLACE / "modules.toml").read_text())["group"]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group["modules"][0])
def test_what_it_measures_exists(group: dict[str, list[str]]) -> None:
    """A module or test that was renamed is not silently left out."""
    for name in group["modules"]:
        path = ROOT / "daemon" / Path(*name.split("."))
        assert path.with_suffix(".py").exists() or (path / "__init__.py").exists(), name
    for test in group["tests"]:
        assert test.startswith("-") or (ROOT / test).exists(), test


def test_a_fault_is_one_small_change() -> None:
    """A comparison, a condition and a number each get their faults; sentences get none."""
    spec = importlib.util.spec_from_file_location("mutants", PLACE / "mutants.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    source = 'def f(x):\n    """Say."""\n    return x < 3 and g(f"{x + 1} left")\n'
    found = [(one.was, one.now, one.function) for one in module.mutants(source)]
    assert found == [
        ("x < 3 and g(f'{x + 1} left')", "x < 3 or g(f'{x + 1} left')", ("f", 1)),
        ("x < 3 and g(f'{x + 1} left')", "g(f'{x + 1} left')", ("f", 1)),
        ("x < 3 and g(f'{x + 1} left')", "x < 3", ("f", 1)),
        ("x < 3", "x <= 3", ("f", 1)),
        ("3", "4", ("f", 1)),
    ]
