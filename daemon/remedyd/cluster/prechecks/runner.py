"""All checks in the order in which an approver reads them."""

from collections.abc import Callable

from remedyd.cluster.prechecks import (
    capacity,
    disruption,
    lifecycle,
    ordering,
    owners,
    scaling,
    skew,
)
from remedyd.cluster.prechecks.scene import Scene, blocked
from remedyd.errors import RemedydError
from remedyd.model.plan import Precheck

_AGAIN = "see that it can be read, then plan again"
_REPORT = "report what the object looks like"

Check = Callable[[Scene], Precheck | None]

CHECKS: dict[str, Check] = {
    "Identity": lifecycle.identity,
    "Namespace": lifecycle.namespace,
    "Rollout": lifecycle.rollout,
    "OrderedPods": ordering.ordered_pods,
    "Operator": owners.operator,
    "GitOps": owners.gitops,
    "Autoscaler": scaling.horizontal,
    "VerticalAutoscaler": scaling.vertical,
    "DisruptionBudget": disruption.budget,
    "Downtime": disruption.downtime,
    "QosClass": capacity.qos,
    "LimitRange": capacity.limit_range,
    "Quota": capacity.quota,
    "NodeFit": capacity.node_fit,
    "Telemetry": skew.telemetry,
}


def run(scene: Scene, checks: dict[str, Check] | None = None) -> tuple[Precheck, ...]:
    """Return the answer of every check that applies; read-only plans need none."""
    if scene.plan.patch is None:
        return ()
    answers = [_one(name, check, scene) for name, check in (checks or CHECKS).items()]
    return tuple(answer for answer in answers if answer is not None)


def _one(name: str, check: Check, scene: Scene) -> Precheck | None:
    try:
        return check(scene)
    except (RemedydError, LookupError, TypeError, ValueError, AttributeError) as error:
        told = error.message if isinstance(error, RemedydError) else repr(error)
        hint = error.hint or _AGAIN if isinstance(error, RemedydError) else _REPORT
        return blocked(name, f"could not be determined: {told}", hint)
