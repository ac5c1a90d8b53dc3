"""A cluster with the Deployments of the original demo's validation plan, and a daemon on it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from remedyd.lab.world import Lab
from support import plan
from support.running import Running
from support.ways import quiet, rarely

NAMES = (*plan.NAMES, "search", "first", "second", "third")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Start the cluster."""
    wanted = plan.scenario(NAMES)
    with Lab(seed=4, speed=8.0, history=timedelta(minutes=3), scenario=wanted) as started:
        yield started


@pytest.fixture(scope="module")
def running(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Start the daemon."""
    directory = tmp_path_factory.mktemp("daemon")
    with quiet(), Running(lab, directory, audits=(rarely(directory),)) as started:
        yield started
