"""Did the change arrive where it counts, and is it still there?

Template, ReplicaSet, pods and telemetry each can tell another story: a webhook caps new pods, a
CronJob patches the old value back, a GitOps tool syncs. Proposing the same change again would be
a war; naming who did it is the useful answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from remedyd.cluster import fields, ownership, quantities, writes
from remedyd.cluster.ports import FIELD_MANAGER, Reader
from remedyd.cluster.reader import Surroundings
from remedyd.cluster.resize import in_force
from remedyd.errors import NotFound
from remedyd.model.hidden import short
from remedyd.model.plan import FieldChange, Plan
from remedyd.model.values import KubeObject

_TEMPLATE = "spec.template."


class Finding(StrEnum):
    """What a read-back found. The last two stop further action on the target."""

    HOLDS = "Holds"
    CHANGE_NOT_EFFECTIVE = "ChangeNotEffective"
    REVERTED = "Reverted"


@dataclass(frozen=True, slots=True)
class ReadBack:
    """A finding, its evidence, and who reverted the change (empty when nobody or unknown)."""

    finding: Finding
    evidence: str
    manager: str = ""
    lasting: bool = False
    """Whether whoever undid it would do so again: it is not merely that something newer came."""

    @property
    def reason(self) -> str:
        """A stable code: `Holds`, `ChangeNotEffective`, `RevertedBy helm`."""
        if self.finding is Finding.REVERTED:
            return f"RevertedBy {self.manager or 'an unknown manager'}"
        return str(self.finding)


def read_back(
    plan: Plan,
    live: KubeObject,
    pods: Sequence[KubeObject] = (),
    replicasets: Sequence[KubeObject] = (),
    *,
    telemetry_limit: Decimal | None = None,
    rolling: bool = False,
    left: Sequence[FieldChange] = (),
) -> ReadBack:
    """Compare what was planned with the object written and what came of it.

    `live` is the object that the plan's patch went to. `pods` are those of the latest template
    only, `replicasets` the workload's, latest revision first. `telemetry_limit` is the memory
    limit in bytes that the audit saw after the rollout. While the change is `rolling` out, a
    ReplicaSet without it is one from before. `left` are the fields that landed otherwise than
    planned (`Applied.differences`).
    """
    changes = writes.workload_changes(plan)
    lost = fields.landed(live, _as_left(changes, left))
    if lost:
        return _reverted(live, changes, lost)
    if other := fields.landed(live, changes):
        first = other[0]
        told = f"{first.path} landed as {short(first.new)} instead of {short(first.old)}"
        return ReadBack(Finding.CHANGE_NOT_EFFECTIVE, told)
    inside = _inside(changes)
    older = next(_older(inside, replicasets), "")
    if rolling and older:
        return ReadBack(Finding.HOLDS, f"not rolled out yet: {older}")
    found = older or next(_below(inside, pods), "")
    if not found and telemetry_limit is not None:
        found = _telemetry(changes, telemetry_limit)
    if found:
        return ReadBack(Finding.CHANGE_NOT_EFFECTIVE, found)
    return ReadBack(Finding.HOLDS, f"{len(changes)} fields are as they were written")


def inspect(
    reader: Reader,
    plan: Plan,
    *,
    telemetry_limit: Decimal | None = None,
    rolling: bool = False,
    left: Sequence[FieldChange] = (),
) -> ReadBack:
    """Read what the plan wrote and what came of it, and compare as `read_back`.

    Raises ClusterError, NotFound.
    """
    target, patch = plan.target, plan.patch
    if plan.undo is None:
        return ReadBack(Finding.HOLDS, "it leaves nothing behind that could be reverted")
    if plan.pods:
        return _inspect_pods(reader, plan, left)
    if patch is not None and patch.kind and not patch.subresource:
        return read_back(plan, reader.get(patch.kind, target.namespace, patch.name), left=left)
    workload = reader.get(target.kind, target.namespace, target.name)
    if not _inside(writes.workload_changes(plan)):
        return read_back(plan, workload, left=left)
    around = Surroundings(reader, workload)
    return read_back(
        plan,
        workload,
        around.current_pods(),
        around.replicasets(),
        telemetry_limit=telemetry_limit,
        rolling=rolling,
        left=left,
    )


def _inside(changes: Sequence[FieldChange]) -> list[FieldChange]:
    """Return the changes that have to arrive in ReplicaSet and pods."""
    return [c for c in changes if c.path.startswith(_TEMPLATE) and ".resources." in c.path]


def _as_left(
    changes: Sequence[FieldChange], left: Sequence[FieldChange]
) -> tuple[FieldChange, ...]:
    """Return the changes with the values that they really left behind."""
    found = {difference.path: difference.new for difference in left}
    return tuple(
        FieldChange(change.path, change.old, found.get(change.path, change.new))
        for change in changes
    )


def _inspect_pods(reader: Reader, plan: Plan, left: Sequence[FieldChange]) -> ReadBack:
    """Compare pods that were resized in place; those that are gone since say nothing."""
    plan = replace(plan, changes=_as_left(plan.changes, left))
    alive = 0
    for patch in plan.pods:
        changes = writes.pod_changes(plan, patch.name)
        try:
            pod = reader.get("Pod", plan.target.namespace, patch.name)
        except NotFound:
            continue
        if pod["metadata"]["uid"] != patch.uid:
            continue
        alive += 1
        if lost := fields.landed(pod, changes):
            found = _reverted(pod, changes, lost)
            return replace(found, evidence=f"pod {patch.name}: {found.evidence}")
    if plan.pods and not alive:
        gone = "the resized pods have been replaced: the new ones have the template's amounts"
        return ReadBack(Finding.REVERTED, gone)
    return ReadBack(Finding.HOLDS, f"{alive} pods are as they were resized")


def undo_lost(reader: Reader, plan: Plan, live: KubeObject) -> str:
    """Return which field is not back at its old value after the undo, empty when all are.

    `live` is the workload; where the plan wrote another object, that is read. Raises
    ClusterError, NotFound.
    """
    patch = plan.patch
    if patch is not None and patch.kind and not patch.subresource:
        live = reader.get(patch.kind, plan.target.namespace, patch.name)
    changes = fields.inverse(writes.workload_changes(plan))
    lost = fields.landed(live, changes)
    return _reverted(live, changes, lost).evidence if lost else ""


def _reverted(
    live: KubeObject, changes: Sequence[FieldChange], lost: Sequence[FieldChange]
) -> ReadBack:
    first = lost[0]
    others = [o for o in ownership.owners(live, first.path) if o.manager != FIELD_MANAGER]
    manager = others[0].manager if others else ""
    before = next(change.old for change in changes if change.path == first.path)
    back = " again" if fields.equal(first.path, first.new, before) else ""
    when = f" at {others[0].at:%Y-%m-%d %H:%M:%S}" if others and others[0].at else ""
    told = f"{first.path} is {short(first.new)}{back} instead of {short(first.old)}"
    evidence = f"{told}, set by {manager or 'somebody'}{when}"
    # a later release is no revert; an amount that somebody else sets is as good as one
    lasting = bool(back) or not isinstance(first.new, dict | None)
    return ReadBack(Finding.REVERTED, evidence, manager, lasting)


def _older(changes: Sequence[FieldChange], replicasets: Sequence[KubeObject]) -> Iterator[str]:
    """Yield where the latest ReplicaSet does not have what the template says."""
    for change in changes:
        for replicaset in replicasets[:1]:
            yield from _differs(replicaset, "ReplicaSet", change.path, change)


def _below(changes: Sequence[FieldChange], pods: Sequence[KubeObject]) -> Iterator[str]:
    """Yield where a pod does not have, or does not run with, what the template says."""
    for change in changes:
        path = change.path.removeprefix(_TEMPLATE)
        for pod in pods:
            yield from _differs(pod, "pod", path, change)
            if not in_force(pod, FieldChange(path, change.old, change.new)):
                name = pod["metadata"]["name"]
                yield f"pod {name} runs without the {short(change.new)} at {path} in its spec"


def _differs(obj: KubeObject, kind: str, path: str, change: FieldChange) -> Iterator[str]:
    now = fields.lookup(obj, path)
    if not fields.equal(path, now, change.new):
        name, planned = obj["metadata"]["name"], short(change.new)
        yield f"{kind} {name} has {short(now)} at {path}, the template says {planned}"


def _telemetry(changes: Sequence[FieldChange], limit: Decimal) -> str:
    for change in changes:
        if change.path.endswith(".limits.memory") and change.new is not None:
            planned = quantities.parse(change.new)
            if abs(planned - limit) > planned / 100:
                return (
                    f"the telemetry says a memory limit of {quantities.binary(limit)}, "
                    f"written was {short(change.new)}"
                )
    return ""
