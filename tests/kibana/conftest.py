"""A cluster with the Deployments of the original demo's validation plan, and a daemon on it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.world import Lab
from support.running import Running
from support.ways import quiet, rarely

NAMES = ("billing-service", "frontend", "backend", "auth-api", "search", "first", "second", "third")
SCENARIO = Scenario(
    workloads=tuple(
        WorkloadSpec(
            "default",
            name,
            f"registry.example.com/{name}:1.0",
            "40Mi",
            "20m",
            2,
            limits=("200m", "256Mi"),
        )
        for name in NAMES
    ),
    namespaces=("default", "kube-system"),
)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Start the cluster."""
    with Lab(seed=4, speed=8.0, history=timedelta(minutes=3), scenario=SCENARIO) as started:
        yield started


@pytest.fixture(scope="module")
def running(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Start the daemon."""
    directory = tmp_path_factory.mktemp("daemon")
    with quiet(), Running(lab, directory, audits=(rarely(directory),)) as started:
        yield started
