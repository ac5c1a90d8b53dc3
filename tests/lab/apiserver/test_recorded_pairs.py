"""The simulated API server answers recorded requests as the real one did."""

from functools import cache

import pytest

from support.recordedpairs import Replay, files, load

EXCLUDED = {
    "28-watch#5": "shows bookmarks about a minute apart: the stream would have to run 75 seconds",
}


@cache
def replayed(file: str) -> dict[str, str]:
    """Send every step of a recording once and keep what differs."""
    return Replay(file).run()


STEPS = [step.name for file in files() for step in load(file)]


@pytest.mark.parametrize("name", [name for name in STEPS if name not in EXCLUDED])
def test_step_is_answered_as_recorded(name: str) -> None:
    """Status, headers and body of the answer are those of the recording."""
    assert replayed(name.partition("#")[0])[name] == ""


def test_exclusions_name_steps_that_exist() -> None:
    """Every excluded step is still part of a recording."""
    assert set(EXCLUDED) <= set(STEPS)
