"""Others who change workloads or pods: a GitOps controller, a mutating webhook.

Both are what a remediator meets in real clusters: what it writes is put back, or never arrives.
"""

import copy

from remedyd.lab.apiserver.admission import AdmissionRequest
from remedyd.lab.controllers.environment import Environment
from remedyd.lab.controllers.objects import DEPLOYMENTS, PODS, STATEFULSETS
from remedyd.lab.faults import Fault, FaultBoard, Workload
from remedyd.lab.quantities import MEBIBYTE, quantity
from remedyd.model.values import KubeObject

_KINDS = {"Deployment": DEPLOYMENTS, "StatefulSet": STATEFULSETS}
_FROM_GIT = ("template", "replicas")


class Meddlers:
    """Acts for the faults `gitops` and `capped` that are on the board."""

    def __init__(self, env: Environment, board: FaultBoard) -> None:
        """Take the cluster and the board of faults."""
        self._env = env
        self._board = board
        env.store.admission.append(self._cap)

    def begin(self, workload: Workload, fault: Fault) -> None:
        """Take the workload as it is for what is in Git, and put it back from now on."""
        namespace, kind, name = workload
        live = self._env.store.get(_KINDS[kind], namespace, name)
        wanted = copy.deepcopy({key: live["spec"].get(key) for key in _FROM_GIT})

        def sync() -> None:
            if fault not in self._board.of(workload):
                return
            self._put_back(workload, wanted, str(fault.params["manager"]))
            self._env.timeline.after(fault.number("sync"), sync)

        self._env.timeline.after(fault.number("sync"), sync)

    def _put_back(self, workload: Workload, wanted: KubeObject, manager: str) -> None:
        namespace, kind, name = workload
        live = self._env.store.peek(_KINDS[kind], namespace, name)
        if live is None or all(live["spec"].get(key) == wanted[key] for key in wanted):
            return

        def write(obj: KubeObject) -> None:
            obj["spec"].update(copy.deepcopy(wanted))

        self._env.store.mutate(_KINDS[kind], namespace, name, write, manager=manager)

    def _cap(self, request: AdmissionRequest) -> None:
        """Give a new pod no more memory than its workload's cap allows."""
        if request.gvr != PODS or request.operation != "CREATE":
            return
        for (namespace, _, name), fault in self._board.listed():
            here = fault.name == "capped" and namespace == request.namespace
            if here and _belongs(request.object, name):
                _lower(request.object, fault.number("limit"))


def _belongs(pod: KubeObject, name: str) -> bool:
    owners = pod["metadata"].get("ownerReferences") or ()
    return any(str(owner["name"]).rpartition("-")[0] == name for owner in owners)


def _lower(pod: KubeObject, limit: float) -> None:
    for container in pod["spec"]["containers"]:
        resources = container.get("resources") or {}
        for section in ("limits", "requests"):
            amount = (resources.get(section) or {}).get("memory")
            if amount is not None and quantity(amount) > limit * MEBIBYTE:
                resources[section]["memory"] = f"{limit:.0f}Mi"
