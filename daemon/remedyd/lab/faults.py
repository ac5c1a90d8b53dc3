"""Faults: what can go wrong in the simulated cluster, by name and with parameters.

A fault is a record on a board; the kubelet asks the board how a container behaves each time one
starts and whenever the board changes. Faults that are a change of objects (scale to zero, a
quota, a rollout of a missing image) are made by `breakage`, as a person would make them.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from remedyd.errors import InvalidInput
from remedyd.lab.behaviour import Behaviour, End, leak, ramp
from remedyd.lab.profiles import Profile
from remedyd.lab.quantities import MEBIBYTE

Workload = tuple[str, str, str]
"""Namespace, kind and name."""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault: its parameters with defaults, and whether it is about a workload."""

    summary: str
    parameters: Mapping[str, float | str] = field(default_factory=dict)
    about: str = "workload"


KINDS: Mapping[str, FaultKind] = {
    "oom": FaultKind(
        "every container needs `need` MiB (0: half more than its limit), reached in `ramp` s",
        {"need": 0.0, "ramp": 20.0, "container": ""},
    ),
    "insatiable": FaultKind(
        "every container needs `factor` times its limit, however large: more memory never helps",
        {"factor": 1.3, "ramp": 20.0, "container": ""},
    ),
    "leak": FaultKind("memory grows by `rate` MiB a minute", {"rate": 40.0, "container": ""}),
    "crash": FaultKind(
        "containers exit with `code` after `after` s; `cure`: restart (new pods are fine) or none",
        {"code": 1.0, "after": 4.0, "cure": "none", "container": ""},
    ),
    "backfire": FaultKind(
        "containers exit with code 1 once their memory limit is above `above` MiB (0: today's)",
        {"above": 0.0, "after": 3.0, "container": ""},
    ),
    "stuck": FaultKind("`pods` running pods hang, not ready, until replaced", {"pods": 1.0}),
    "unready": FaultKind("pods that are created from now on never become ready"),
    "bad-image": FaultKind(
        "rolls out an image that does not exist", {"image": "", "container": ""}
    ),
    "zero": FaultKind("scaled to zero replicas"),
    "quota": FaultKind(
        "a ResourceQuota at today's use, and `pods` pods lost that cannot come back", {"pods": 1.0}
    ),
    "gitops": FaultKind(
        "a controller puts the spec back as it is now every `sync` s, as `manager`",
        {"sync": 60.0, "manager": "argocd-controller"},
    ),
    "capped": FaultKind(
        "a webhook gives new pods at most `limit` MiB of memory (0: today's limit)", {"limit": 0.0}
    ),
    "node-down": FaultKind("the node stops answering", about="node"),
    "saturated": FaultKind(
        "`load` times the requests: they queue, at little CPU, until there are more pods",
        {"load": 2.2},
    ),
    "slow-dependency": FaultKind(
        "what it calls outside takes `factor` times as long, and a share of `errors` fails",
        {"factor": 10.0, "errors": 0.0},
    ),
    "collector-down": FaultKind(
        "no telemetry from `k8s_cluster`, `kubelet_stats`, `k8s_events`, `traces`, or `all`",
        about="collector",
    ),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in force. `since` in seconds of the timeline; `pods` None means every pod."""

    name: str
    params: Mapping[str, float | str]
    since: float
    pods: frozenset[str] | None = None
    existing: frozenset[str] = frozenset()

    def number(self, name: str) -> float:
        """Return a numeric parameter."""
        return float(self.params[name])

    def concerns(self, pod_uid: str, container: str, first: str) -> bool:
        """Say whether a container of a pod is affected (`first`: the pod's first container)."""
        if self.name == "unready":
            return pod_uid not in self.existing
        if self.pods is not None and pod_uid not in self.pods:
            return False
        return container == (self.params.get("container") or first)


def check(name: str, params: Mapping[str, object]) -> dict[str, float | str]:
    """Return the parameters of a fault with defaults; raise InvalidInput for a mistake."""
    kind = KINDS.get(name)
    if kind is None:
        raise InvalidInput(
            f"there is no fault named {name!r}", hint=f"faults: {', '.join(sorted(KINDS))}"
        )
    checked = dict(kind.parameters)
    for given, value in params.items():
        if given not in checked:
            known = ", ".join(sorted(checked)) or "none"
            raise InvalidInput(
                f"fault {name} has no parameter {given!r}", hint=f"parameters: {known}"
            )
        checked[given] = _typed(name, given, value, checked[given])
    return checked


def _typed(fault: str, name: str, value: object, default: float | str) -> float | str:
    if isinstance(default, str):
        return str(value)
    try:
        return float(str(value).removesuffix("Mi").removesuffix("s"))
    except ValueError:
        raise InvalidInput(f"fault {fault}: parameter {name} must be a number") from None


class FaultBoard:
    """The faults in force, by workload."""

    def __init__(self) -> None:
        """Start without faults."""
        self._by_workload: dict[Workload, dict[str, Fault]] = {}
        self.missing_images: set[str] = set()
        self.dead_nodes: set[str] = set()
        self.silent: set[str] = set()

    def put(self, workload: Workload, fault: Fault) -> None:
        """Put a fault in force; the same one again replaces it."""
        self._by_workload.setdefault(workload, {})[fault.name] = fault

    def take(self, workload: Workload, name: str) -> Fault | None:
        """Take a fault out of force and return it."""
        return self._by_workload.get(workload, {}).pop(name, None)

    def of(self, workload: Workload) -> list[Fault]:
        """Return the faults of a workload."""
        return list(self._by_workload.get(workload, {}).values())

    def listed(self) -> list[tuple[Workload, Fault]]:
        """Return everything in force, for people."""
        found = [
            (workload, fault)
            for workload, faults in sorted(self._by_workload.items())
            for fault in faults.values()
        ]
        nodes = [(("", "Node", node), Fault("node-down", {}, 0.0)) for node in self.dead_nodes]
        return found + nodes


def afflict(
    behaviour: Behaviour, faults: list[Fault], uid: str, name: str, first: str
) -> Behaviour:
    """Return the behaviour of container `name` of pod `uid` under the faults that concern it."""
    for fault in faults:
        if fault.concerns(uid, name, first):
            behaviour = _apply(behaviour, fault)
    return behaviour


def _apply(behaviour: Behaviour, fault: Fault) -> Behaviour:
    profile, start = behaviour.profile, max(behaviour.started, fault.since)
    if fault.name in ("oom", "insatiable"):
        need = _need(profile, fault)
        growth = ramp(start, profile.memory, need, fault.number("ramp"))
        return dataclasses.replace(behaviour, growth=growth)
    if fault.name == "leak":
        return dataclasses.replace(behaviour, growth=leak(start, fault.number("rate")))
    if fault.name == "crash":
        end = End(start + fault.number("after"), "Error", int(fault.number("code")))
        return dataclasses.replace(behaviour, crash=end)
    above = fault.number("above") * MEBIBYTE if fault.name == "backfire" else float("inf")
    if (profile.memory_limit or 0.0) > above:
        end = End(start + fault.number("after"), "Error", 1)
        return dataclasses.replace(behaviour, crash=end)
    if fault.name in ("stuck", "unready"):
        return dataclasses.replace(behaviour, healthy=False)
    return behaviour


def _need(profile: Profile, fault: Fault) -> float:
    limit = profile.memory_limit or profile.memory
    if fault.name == "insatiable":
        return fault.number("factor") * limit
    return fault.number("need") * MEBIBYTE
