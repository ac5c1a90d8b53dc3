"""Does the telemetry speak of the object that is live now?

Metrics arrive late, and a row looks back over a window. Evidence from before the latest change
of the pod template is evidence about pods that are gone.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from remedyd.cluster.prechecks.scene import Scene, amount, blocked, passed, write
from remedyd.cluster.rollout import condition, progress_deadline
from remedyd.model.audit import AuditRow
from remedyd.model.plan import Precheck
from remedyd.model.values import KubeObject

_LIMITS = {
    "memory_limit_bytes": ("limits", "memory"),
    "memory_request_bytes": ("requests", "memory"),
    "cpu_limit": ("limits", "cpu"),
    "cpu_request": ("requests", "cpu"),
}


def telemetry(scene: Scene) -> Precheck | None:
    """The row was measured on the pods that run now, with the limits that hold now."""
    if scene.row is None:
        return None
    changed = template_changed(scene.live)
    seen = scene.row.last_seen
    if changed and seen and seen <= changed:
        return blocked(
            "Telemetry",
            f"the last sample is of {seen:%H:%M:%S}, the last rollout ended at {changed:%H:%M:%S}",
            "wait for fresh samples",
        )
    other = next(_contradictions(scene.row, scene.live), "")
    if other:
        return blocked("Telemetry", other, "wait until the telemetry has caught up")
    return passed("Telemetry", "agrees with the live object")


def template_changed(workload: KubeObject) -> datetime | None:
    """Return when a Deployment's latest rollout last moved, None when that is not known."""
    progress = condition(workload, "Progressing")
    if not progress.get("lastUpdateTime"):
        return None
    moved = datetime.fromisoformat(str(progress["lastUpdateTime"]))
    if progress.get("reason") == "ProgressDeadlineExceeded":  # nothing has moved for so long
        moved -= progress_deadline(workload)
    return moved


def _contradictions(row: AuditRow, live: KubeObject) -> Iterator[str]:
    desired = row.values.get("desired")
    replicas = live["spec"].get("replicas")
    if isinstance(desired, int | float) and replicas is not None and int(desired) != replicas:
        yield f"the telemetry says {int(desired)} desired pods, the object {replicas}"
    container = _container(row, live)
    if container is None:
        return
    for column, (section, resource) in _LIMITS.items():
        told = row.values.get(column)
        now = amount(container, section, resource)
        if isinstance(told, int | float) and now and not _close(Decimal(str(told)), now):
            yield (
                f"the telemetry says {column} {write(resource, Decimal(str(told)))}, "
                f"the object {write(resource, now)}"
            )


def _container(row: AuditRow, live: KubeObject) -> KubeObject | None:
    listed: list[KubeObject] = live["spec"]["template"]["spec"]["containers"]
    found = [c for c in listed if c["name"] == row.target.container]
    return found[0] if found else None


def _close(first: Decimal, second: Decimal) -> bool:
    return abs(first - second) <= second / 100
