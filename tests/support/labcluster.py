"""A small simulated cluster without ports, moved by hand."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from remedyd.lab.controllers.objects import DEPLOYMENTS, PODS
from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.simulation import Plan, Simulation
from remedyd.model.values import KubeObject

ORIGIN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def spec(name: str = "web", **changes: Any) -> WorkloadSpec:
    """Return a workload of two pods in namespace `shop` that use 60Mi of 128Mi."""
    wanted: dict[str, Any] = {
        "namespace": "shop",
        "name": name,
        "image": f"registry.example.com/shop/{name}:1.0.0",
        "memory": "60Mi",
        "cpu": "20m",
        "replicas": 2,
    }
    return WorkloadSpec(**(wanted | changes))


@dataclass
class Rig:
    """A simulation and the documents it sent."""

    simulation: Simulation
    documents: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.simulation.timeline.advance(timedelta(seconds=seconds))

    def inject(self, fault: str, target: str, **params: object) -> None:
        """Put a fault in force."""
        self.simulation.breakage.inject(fault, target, dict(params))

    def clear(self, fault: str, target: str) -> None:
        """Take a fault away."""
        self.simulation.breakage.clear(fault, target)

    def get(self, name: str = "web", gvr: str = DEPLOYMENTS) -> KubeObject:
        """Return an object in `shop`."""
        return self.simulation.store.get(gvr, "shop", name)

    def change(self, name: str, write: Any, gvr: str = DEPLOYMENTS) -> None:
        """Change an object in `shop` as a person would."""
        self.simulation.store.mutate(gvr, "shop", name, write, manager="kubectl")

    def pods(self, app: str = "web") -> list[KubeObject]:
        """Return the pods of a workload in `shop`, by name."""
        found = self.simulation.store.list(PODS, "shop", {"app": app})
        return sorted(found, key=lambda pod: str(pod["metadata"]["name"]))

    def container(self, app: str = "web", number: int = 0) -> KubeObject:
        """Return the status of the first container of one of a workload's pods."""
        status: KubeObject = self.pods(app)[number]["status"]["containerStatuses"][0]
        return status

    def reasons(self, kind: str = "") -> set[str]:
        """Return the reasons of all Events (about a kind of object)."""
        return {
            event["reason"]
            for event in self.simulation.store.list("v1/events")
            if kind in ("", event["involvedObject"]["kind"])
        }

    def watch(self, name: str) -> list[str]:
        """Note each new generation, observed generation and condition list of a Deployment."""
        noted: list[str] = []

        def note(type_: str, gvr: str, obj: KubeObject) -> None:
            if gvr == DEPLOYMENTS and obj["metadata"]["name"] == name and type_ != "DELETED":
                status = obj.get("status") or {}
                generations = (
                    f"{obj['metadata']['generation']}/{status.get('observedGeneration', 0)}"
                )
                conditions = [
                    f"{c['type']}={c['status']}/{c['reason']}"
                    for c in status.get("conditions") or ()
                ]
                step = " ".join([generations, *conditions])
                if not noted or noted[-1] != step:
                    noted.append(step)

        self.simulation.store.on_change(note)
        return noted


def rig(
    *workloads: WorkloadSpec,
    seed: int = 1,
    history: float = 0,
    interval: float = 15,
    nodes: int = 3,
) -> Rig:
    """Return a cluster with these workloads (one if none are given), running and ready."""
    scenario = Scenario(
        workloads=workloads or (spec(),),
        nodes=[f"worker-{number}" for number in range(1, nodes + 1)],
        namespaces=("default", "shop"),
    )
    documents: dict[str, list[dict[str, Any]]] = {}
    plan = Plan(seed, ORIGIN, timedelta(seconds=history), timedelta(seconds=interval), scenario)
    made = Rig(
        Simulation(plan, lambda name, found: documents.setdefault(name, []).extend(found)),
        documents,
    )
    made.simulation.begin()
    return made
