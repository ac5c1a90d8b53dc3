"""One intended write: what proves that it is there, what may still be changed, what went wrong.

Pure helpers of the door. A write to an object is marked with the proposal's id as an annotation
in the same request. A resize of a pod cannot carry one (the subresource drops metadata), so
there the value itself is the proof: writing the same amount twice changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

from remedyd.cluster import fields, ownership
from remedyd.cluster.ports import FIELD_MANAGER
from remedyd.errors import (
    ClusterError,
    ClusterRejected,
    ClusterUnavailable,
    OutcomeUnknown,
    Stale,
    Superseded,
)
from remedyd.model.hidden import short
from remedyd.model.plan import Applied, FieldChange, Patch, Plan
from remedyd.model.values import KubeObject

PROPOSAL = "remedyd.io/proposal"
"""Annotation naming the proposal whose change the object carries."""
ROLLBACK = "remedyd.io/rollback"
"""Annotation naming the proposal whose change was taken back."""

Check = Callable[[KubeObject], tuple[FieldChange, ...]]
"""Returns the changes still to make; raises when the object is not as expected."""


@dataclass(frozen=True, slots=True)
class Write:
    """Where to write, for which proposal, and what must hold just before."""

    proposal: str
    plan: Plan
    patch: Patch
    changes: tuple[FieldChange, ...]
    check: Check
    fence: Callable[[str], None]
    undo: bool = False

    @property
    def where(self) -> tuple[str, str, str]:
        """Kind, namespace and name of the object written."""
        target = self.plan.target
        return (self.patch.kind or target.kind, target.namespace, self.patch.name or target.name)

    @property
    def uid(self) -> str:
        """The uid that the object must have."""
        return self.patch.uid or self.plan.target.uid

    @property
    def marked(self) -> bool:
        """Whether the write leaves an annotation."""
        return not self.patch.subresource

    def label(self) -> str:
        """Name the object for people."""
        return "/".join(part for part in self.where if part)

    def is_there(self, live: KubeObject) -> bool:
        """Say whether the annotation proves that this write has landed."""
        annotations = live["metadata"].get("annotations") or {}
        return self.marked and annotations.get(self._mark) == self.proposal

    def body(self, live: KubeObject, changes: tuple[FieldChange, ...]) -> KubeObject:
        """Return the patch with its precondition on the object just read, and its mark."""
        meta = live["metadata"]
        identity = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
        if self.marked:
            identity["annotations"] = {self._mark: self.proposal}
        whole = changes == self.changes
        ours = self.patch.body if whole else fields.patch_body(changes, undo=self.undo)
        return fields.merge(ours, {"metadata": identity})

    def differences(self, obj: KubeObject) -> tuple[FieldChange, ...]:
        """Return the fields that are not as this write wanted them."""
        if not self.undo:
            return fields.landed(obj, self.changes)
        return fields.landed(obj, fields.inverse(self.changes))

    @property
    def _mark(self) -> str:
        return ROLLBACK if self.undo else PROPOSAL


def workload_changes(plan: Plan) -> tuple[FieldChange, ...]:
    """Return the changes of the object that `plan.patch` is about."""
    return tuple(change for change in plan.changes if not change.path.startswith("pods["))


def pod_changes(plan: Plan, pod: str) -> tuple[FieldChange, ...]:
    """Return the changes of one pod, with paths from the pod on."""
    prefix = f"pods[{pod}]."
    return tuple(
        FieldChange(change.path.removeprefix(prefix), change.old, change.new)
        for change in plan.changes
        if change.path.startswith(prefix)
    )


def of_pod(pod: str, changes: tuple[FieldChange, ...]) -> tuple[FieldChange, ...]:
    """Return changes of a pod as a plan names them."""
    return tuple(FieldChange(f"pods[{pod}].{c.path}", c.old, c.new) for c in changes)


def eviction(namespace: str, patch: Patch, *, dry_run: bool = False) -> KubeObject:
    """Return the Eviction of one pod, bound to its uid."""
    options: KubeObject = {"preconditions": {"uid": patch.uid}}
    if dry_run:
        options["dryRun"] = ["All"]
    return {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": patch.name, "namespace": namespace},
        "deleteOptions": options,
    }


def as_planned(live: KubeObject, what: str, changes: tuple[FieldChange, ...]) -> None:
    """Raise Stale when a field is not what the plan was computed from."""
    moved = fields.moved(live, changes)
    if moved:
        raise Stale(
            f"{what} changed since the plan: {'; '.join(moved)}",
            hint="wait for the next audit, or plan again",
        )


def to_resize(
    live: KubeObject, what: str, changes: tuple[FieldChange, ...]
) -> tuple[FieldChange, ...]:
    """Return the changes of a pod that are not there yet; raise Stale for moved fields."""
    left = fields.landed(live, changes)
    missing = {change.path for change in left}
    due = tuple(change for change in changes if change.path in missing)
    as_planned(live, what, due)
    return due


def still_ours(
    live: KubeObject, what: str, changes: tuple[FieldChange, ...], applied: Applied
) -> tuple[FieldChange, ...]:
    """Return the changes to take back; raise Superseded when one is somebody else's now."""
    found = {difference.path: difference.new for difference in applied.differences}
    left, lost = [], []
    for change in changes:
        now = fields.lookup(live, change.path)
        ours = found.get(change.path, change.new)
        if fields.equal(change.path, now, change.old):
            continue
        if not fields.equal(change.path, now, ours):
            lost.append(f"{change.path} is {short(now)}, we left {short(ours)}{_by(live, change)}")
        elif not _owned(live, change.path):
            lost.append(f"{change.path} was set to the same value again{_by(live, change)}")
        else:
            left.append(change)
    if lost:
        raise Superseded(
            f"{what} is not as we left it: {'; '.join(lost)}",
            hint="compare by hand; remedyd leaves it as it is",
        )
    return tuple(left)


def _owned(live: KubeObject, path: str) -> bool:
    if not ownership.recorded(live) or fields.lookup(live, path) is None:
        return True
    return any(owner.manager == FIELD_MANAGER for owner in ownership.owners(live, path))


def _by(live: KubeObject, change: FieldChange) -> str:
    others = [o.manager for o in ownership.owners(live, change.path)]
    names = [manager for manager in others if manager != FIELD_MANAGER]
    return f" (set by {names[0]})" if names else ""


def raise_unless_busy(write: Write, error: ClusterRejected, doubt: OutcomeUnknown | None) -> None:
    """Let a lost race pass, for another attempt; anything else is a definite no.

    While an earlier request may still be under way (`doubt`), a no to the next one settles nothing.
    """
    if error.status == 409 and error.reason == "Conflict":
        return
    if error.status == 422 and "metadata.uid" in error.message:
        raise Stale(f"{write.label()} was deleted and made anew since the plan") from error
    raise doubt or error


def last_word(
    write: Write, doubt: OutcomeUnknown | None, failed: ClusterError, attempts: int
) -> ClusterError:
    """Return what to raise when every attempt has failed."""
    if doubt:
        return doubt
    if isinstance(failed, ClusterRejected):
        return ClusterUnavailable(
            f"{write.label()} was changed by others during each of {attempts} attempts",
            status=failed.status,
            reason=failed.reason,
            hint="nothing was written; try again when it is quieter",
        )
    return failed
