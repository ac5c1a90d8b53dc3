"""A lab for the doctor to look at, whose clock goes like everybody's."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from remedyd.lab.world import Lab
from support.ways import SCENARIO


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A small cluster with some minutes of telemetry."""
    with Lab(seed=5, speed=1.0, history=timedelta(minutes=12), scenario=SCENARIO) as started:
        yield started
