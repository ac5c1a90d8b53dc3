"""What is particular to one resource when it is written: which part a write may touch.

A real API server has a strategy object per resource; here most are alike, so a strategy is a
record with a few switches and lists of functions that fill in and check.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from remedyd.lab.apiserver.status import Cause
from remedyd.model.values import KubeObject

Filler = Callable[[KubeObject], None]
Checker = Callable[[KubeObject, KubeObject | None], list[Cause]]


@dataclass(frozen=True, slots=True)
class Strategy:
    """How one resource is prepared and checked.

    `status` says that status is written through its own subresource; `generation` that
    metadata.generation counts changes of the spec; `fill` completes an object in place;
    `check` returns its mistakes, given the object before (None when it is created).
    """

    kind: str = ""
    status: bool = False
    generation: bool = False
    initial_status: KubeObject | None = None
    fill: tuple[Filler, ...] = ()
    check: tuple[Checker, ...] = ()
    top: tuple[str, ...] = field(default=("kind", "apiVersion", "metadata"))


_SPEC_AND_STATUS = (
    "apps/v1/deployments",
    "apps/v1/replicasets",
    "apps/v1/statefulsets",
    "apps/v1/daemonsets",
    "v1/pods",
    "autoscaling/v2/horizontalpodautoscalers",
    "policy/v1/poddisruptionbudgets",
    "batch/v1/jobs",
    "batch/v1/cronjobs",
)
_STATUS_ONLY = ("v1/nodes", "v1/namespaces", "v1/services", "v1/resourcequotas")

DEFAULT_STRATEGIES: Mapping[str, Strategy] = {
    **{gvr: Strategy(status=True, generation=True) for gvr in _SPEC_AND_STATUS},
    **{gvr: Strategy(status=True) for gvr in _STATUS_ONLY},
}
