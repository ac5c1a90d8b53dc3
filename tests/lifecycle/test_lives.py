"""Two daemons on one store and one cluster, with faults everywhere: every life ends right."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from remedyd.observability import logs
from support import postgres
from support.lifecycle import Lives, World, faulty

PARTS = 4
RUNS = int(os.environ.get("REMEDYD_LIVES", "1000"))
"""Lives in all; set it higher for a longer run, or use the marker `soak`."""


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a directory in memory."""
    with tempfile.TemporaryDirectory(prefix="remedyd-", dir=postgres.memory()) as found:
        yield Path(found)


def live(home: Path, runs: int, steps: int, number: int | None = None) -> int:
    """Live `runs` lives and return how many there were; `number` makes them the same each time."""
    logs.configure("ERROR", "ecs")
    lived = 0
    world = World(home)
    with closing(world), faulty(world.faults):

        def machine() -> Lives:
            nonlocal lived
            lived += 1
            return Lives(world.empty())

        if number is not None:
            seed(number)(machine)
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=runs,
                stateful_step_count=steps,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    return lived


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_no_state_is_lost_and_nothing_is_written_twice(home: Path, part: int) -> None:
    """No write without a valid approval or in a pause, none twice, and no life is lost."""
    assert live(home, RUNS // PARTS, 8, part) >= RUNS // PARTS


@pytest.mark.soak
@pytest.mark.skipif("REMEDYD_SOAK" not in os.environ, reason="set REMEDYD_SOAK to run it")
def test_long_lives(home: Path) -> None:
    """The same with many more and longer lives."""
    assert live(home, int(os.environ["REMEDYD_SOAK"]), 60) > 0
