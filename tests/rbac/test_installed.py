"""With the roles of each example of the chart, a whole daemon can do all that it is for.

The lab breaks what the enabled policies cure, a person approves over HTTP, the daemon writes,
proves and takes back. Nothing that it asks for is denied, and nothing that it may is left unused.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from remedyd.actions.registry import ACTIONS
from remedyd.lab.controllers.objects import DAEMONSETS, DEPLOYMENTS, STATEFULSETS
from remedyd.lab.scenario import Scenario, WorkloadSpec
from remedyd.lab.world import Lab
from remedyd.model import KubeObject
from remedyd.model.clock import monotonic
from support.chart import CHART
from support.cluster import recorded
from support.installed import Cluster
from support.postgres import binaries, server
from support.ways import quiet

MINUTE = timedelta(minutes=1)
TRAFFIC = {"requests": "17", "latency": "40"}
BROKEN = {
    "oom-deployment": ("Deployment", "oom"),
    "oom-statefulset": ("StatefulSet", "oom"),
    "hanging": ("Deployment", "stuck"),
    "crashing": ("DaemonSet", "crash"),
    "released": ("Deployment", "bad-image"),
    "slow": ("Deployment", "saturated"),
}
FAST = tuple(name for name in BROKEN if name != "slow")
WELL = tuple(f"well-{number}" for number in range(4))
PATHS = {"Deployment": DEPLOYMENTS, "StatefulSet": STATEFULSETS, "DaemonSet": DAEMONSETS}


def spec(namespace: str, name: str, kind: str = "Deployment", replicas: int = 2) -> WorkloadSpec:
    return WorkloadSpec(
        namespace, name, f"registry.example.com/{name}:1", "40Mi", "20m", replicas, kind,
        requests=("50m", "48Mi"), limits=("200m", "64Mi"),
        traffic=TRAFFIC if name == "slow" or name in WELL else {}, deadline=120,
    )  # fmt: skip


SHOP = Scenario(
    workloads=(
        *(spec("shop", name, kind) for name, (kind, _) in BROKEN.items()),
        *(spec("shop", name, replicas=1) for name in WELL),
        spec("bank", "elsewhere", replicas=1),
    ),
    nodes=("worker-1", "worker-2"),
    namespaces=("default", "kube-system", "ops", "shop", "bank"),
)
PLAIN = replace(SHOP, workloads=[replace(one, traffic={}) for one in SHOP.workloads])
GUARDRAILS = """\
apiVersion: remedyd.io/v1alpha1
kind: Guardrails
metadata: {name: much-at-once}
spec:
  concurrency: 20
  workloadsPercent: 100
  rate: {perHour: 100, perNamespace: 100}
  storm: {workloadsPercent: 50, minimumWorkloads: 5}
"""
BEGUN = ("Applied", "Verifying", "Effective", "RolledBack", "Escalated")
KEY = "0123456789abcdefghijklmnopqrstuv"
Install = Callable[..., AbstractContextManager[Cluster]]


def example(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CHART / "examples" / f"{name}.yaml").read_text())
    return found


@pytest.fixture
def installed(tmp_path: Path) -> Install:
    """Install the chart into a new lab; at the end nothing was denied and all was used."""

    @contextmanager
    def install(values: Mapping[str, Any], scenario: Scenario, minutes: int) -> Iterator[Cluster]:
        lab = Lab(seed=3, history=minutes * MINUTE, interval=MINUTE / 2, scenario=scenario)
        with quiet(), lab:
            cluster = Cluster(lab, tmp_path, {**values, "guardrails": GUARDRAILS})
            mount_a_claim(lab, scenario.workloads[0].name)
            yield cluster
            assert cluster.denied() == set()
            assert cluster.unused() == set()

    return install


def mount_a_claim(lab: Lab, name: str) -> None:
    """Give a Deployment a volume, which the pods of a rollout have to share."""
    store = lab.simulation.store
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    store.create("v1/persistentvolumeclaims", "shop", claim, manager="kubectl")

    def mount(obj: KubeObject) -> None:
        volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
        obj["spec"]["template"]["spec"]["volumes"] = [volume]

    store.mutate(DEPLOYMENTS, "shop", name, mount, manager="kubectl")
    lab.advance(MINUTE)


def breaks(lab: Lab, *names: str) -> None:
    """Break these workloads, each in its way."""
    for name in names:
        kind, fault = BROKEN[name]
        cure = {"cure": "restart"} if fault == "crash" else {}
        lab.inject(fault, f"shop/{kind}/{name}", **cure)


def test_dry_run(installed: Install) -> None:
    """Everything is planned and rehearsed, and a storm is reported; nothing is written."""
    with installed(example("dry-run"), PLAIN, 3) as cluster, cluster.daemon() as daemon:
        breaks(cluster.lab, *FAST)
        daemon.until(daemon.came_to(["DryRun"], *FAST), 12)
        for name in WELL:
            cluster.lab.inject("oom", f"shop/{name}")
        daemon.until(lambda: daemon.get("/v1/holds"), 4)
        assert cluster.written() == []
        assert daemon.get("/readyz")["notices"] == []


def test_propose(installed: Install) -> None:
    """Each policy's change is approved, written, read back, told, and taken back on request."""
    with installed(example("propose"), SHOP, 20) as cluster, cluster.daemon() as daemon:
        breaks(cluster.lab, *BROKEN)
        daemon.until(daemon.came_to(BEGUN, *BROKEN), 12)
        cluster.lab.clear("oom", "shop/oom-deployment")
        undone = ("oom-deployment", "slow")
        assert [daemon.roll_back(name) for name in undone] == [200, 200]
        daemon.ask("Deployment", "well-0", "Restart", {})
        daemon.ask("Deployment", "well-1", "Scale", {"absolute": 2})
        daemon.until(daemon.came_to(["Effective"], "well-0", "well-1"), 5)
        body = {"action": "status", "deployment": "well-0", "namespace": "shop"}
        assert "pods ready" in daemon.post("/manage", body)["message"]
        daemon.until(daemon.came_to(["RolledBack", "Escalated"], *undone), 5)
        told = ("Proposed", "Approved", "Applied", "RolledBack", "Escalated")
        assert {f"Remediation{word}" for word in told} <= cluster.told()
        assert daemon.get("/readyz")["notices"] == []


def test_auto_in_one_namespace(installed: Install) -> None:
    """It acts by itself in its namespace until the cure is proved, and leaves the other alone."""
    values = example("auto-one-namespace")
    with installed(values, PLAIN, 3) as cluster, cluster.daemon() as daemon:
        daemon.approves = False
        names = ("oom-deployment", "oom-statefulset")
        breaks(cluster.lab, *names)
        cluster.lab.inject("oom", "bank/elsewhere")
        daemon.until(daemon.came_to(["Verifying"], *names), 8)
        daemon.until(daemon.came_to(["Effective"], *names), 20, every=4)
        assert daemon.last("elsewhere") == {}
        assert daemon.get("/readyz")["notices"] == []


@pytest.mark.skipif(binaries() is None, reason="PostgreSQL is not installed")
def test_high_availability(installed: Install) -> None:
    """One of two acts on what the other was told; when it ends, the other takes over."""
    values = example("high-availability")
    with (
        installed(values, PLAIN, 3) as cluster,
        server() as postgres,
        ExitStack() as first,
        ExitStack() as second,
    ):
        shared = {"database": postgres.url(postgres.database()), "session_key": KEY}
        one = first.enter_context(cluster.daemon(**shared))
        other = second.enter_context(cluster.daemon(**shared))
        one.beside.append(other)  # should it lose the Lease on a busy machine, the other acts
        breaks(cluster.lab, *FAST)
        one.approves = other.approves = False
        one.until(one.came_to(["Proposed"], *FAST), 12)
        for name in FAST:
            other.approve(other.last(name))
        one.until(one.came_to(BEGUN, *FAST), 3)
        first.close()
        until, pause = monotonic() + 30, threading.Event()
        while not other.leads:
            assert monotonic() < until
            pause.wait(0.1)
        cluster.lab.clear("oom", "shop/oom-deployment")
        assert other.roll_back("oom-deployment") == 200
        other.until(other.came_to(["RolledBack"], "oom-deployment"), 5)


PARAMS: dict[str, dict[str, Any]] = {
    "UpdateResources": {"memory": {"absolute": "96Mi"}},
    "ResizePods": {"memory": {"absolute": "96Mi"}},
    "Scale": {"absolute": 3},
    "ScaleToBaseline": {"baseline": 3},
    "AdjustHPA": {"max": 8},
    "Escalate": {"summary": "Look at this, please."},
}
FINAL = {"Restart", "DeletePod"}
ASKED = {
    f"{action}-{kind}".lower(): (action, kind)
    for action in sorted(ACTIONS.keys() - {"Status"})
    for kind in sorted(ACTIONS[action].kinds)
}
FIRST = "restart-deployment"
EACH = Scenario(
    workloads=tuple(
        spec("shop", name, kind, 1)
        for name, (_, kind) in sorted(ASKED.items(), key=lambda one: one[0] != FIRST)
    ),
    nodes=("worker-1", "worker-2"),
    namespaces=SHOP.namespaces,
)
ON_REQUEST = {
    "policies": {"shipped": ["restarts-escalate"], "namespaces": ["shop"]},
    "requests": {"actions": sorted(ACTIONS), "namespaces": ["shop"]},
    "identity": {"kubernetes": {"enabled": True, "scopesFrom": "rbac", "namespaces": ["shop"]}},
}


def test_every_action_on_request(installed: Install) -> None:
    """A ServiceAccount asks for each action on each kind; whatever can be taken back is."""
    with installed(ON_REQUEST, EACH, 8) as cluster, cluster.daemon() as daemon:
        headers = {"Authorization": f"Bearer {cluster.caller('agent', ['get', 'create'])}"}
        asking = daemon.keep(httpx2.Client(base_url=daemon.url, headers=headers, verify=False))
        prepare(cluster.lab)
        for name, (action, kind) in ASKED.items():
            target = {"namespace": "shop", "kind": kind, "name": name}
            body = {"target": target, "action": action, "params": PARAMS.get(action, {})}
            answer = asking.post("/v1/proposals", json=body)
            assert answer.status_code == 201, answer.text
        path = "/v1/workloads/shop/DaemonSet/restart-daemonset"
        assert asking.get(path).status_code == 200
        done = [name for name, (action, _) in ASKED.items() if action != "Escalate"]
        daemon.until(daemon.came_to(["Effective"], *done), 5)
        undone = [name for name in done if daemon.roll_back(name) == 200]
        assert {ASKED[name][0] for name in done} - {ASKED[name][0] for name in undone} == FINAL
        daemon.until(daemon.came_to(["RolledBack"], *undone), 5)
        cluster.lab.inject("crash", "shop/DaemonSet/escalate-daemonset", cure="restart")
        daemon.until(daemon.came_to(["Applied", "Verifying"], "escalate-daemonset"), 8)


def prepare(lab: Lab) -> None:
    """Bring each workload into the state in which its action has something to do."""
    store = lab.simulation.store
    for name, (action, kind) in ASKED.items():
        if action == "RolloutUndo":
            store.mutate(PATHS[kind], "shop", name, released, manager="kubectl")
        elif action == "AdjustHPA":
            scaled_by_itself(lab, name, kind)
        elif action == "DeletePod":
            lab.inject("stuck", f"shop/{kind}/{name}")
    lab.advance(MINUTE)


def released(obj: KubeObject) -> None:
    obj["spec"]["template"]["spec"]["containers"][0]["image"] += ".1"


def scaled_by_itself(lab: Lab, name: str, kind: str) -> None:
    """Give a workload an autoscaler that its maximum holds back."""
    found = recorded("hpa-recommendation-max")
    found["metadata"] = {"name": name, "namespace": "shop"}
    found["spec"]["scaleTargetRef"] |= {"kind": kind, "name": name}
    path, status = "autoscaling/v2/horizontalpodautoscalers", found["status"]
    store = lab.simulation.store
    store.create(path, "shop", found, manager="kubectl")
    store.mutate(
        path, "shop", name, lambda obj: obj.update(status=status),
        manager="hpa", subresource="status",
    )  # fmt: skip
