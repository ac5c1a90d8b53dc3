"""Any sequence of moves, by anyone, leaves the store as the model says."""

import os

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from support.life import Life

RUNS = int(os.environ.get("REMEDYD_LIFE_RUNS", "40"))
"""Lives per run on SQLite; a third of them on PostgreSQL."""


def test_the_store_lives_as_the_model_says(url: str) -> None:
    """Moves, outdated moves, approvals, rejections, sweeps and restarts: nothing is lost."""
    run_state_machine_as_test(
        lambda: Life(url),
        settings=settings(
            max_examples=RUNS if url.startswith("sqlite") else max(1, RUNS // 3),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
