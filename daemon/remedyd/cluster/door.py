"""The one door: nothing else in remedyd changes an object of the user's.

A write carries the resourceVersion and uid of the object that was just checked, and the
proposal's id as an annotation. So of any number of attempts at most one can land, a lost answer
is settled by reading back, and what was found is told apart from what was written. The price is
a read before every write.

Order before each attempt: read, is it there already, same object, fields still as planned,
prechecks, fence, write. The fence is last, so that a pause counts up to the very end.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from remedyd.cluster import fields, ownership
from remedyd.cluster.client import FIELD_MANAGER, Cluster
from remedyd.errors import (
    ClusterError,
    ClusterRejected,
    ClusterUnavailable,
    OutcomeUnknown,
    Refused,
    Stale,
    Superseded,
)
from remedyd.model.clock import Clock
from remedyd.model.plan import Applied, FieldChange, Patch, Plan, Precheck, PrecheckResult
from remedyd.model.target import Target
from remedyd.model.values import KubeObject

PROPOSAL = "remedyd.io/proposal"
"""Annotation naming the proposal whose change the object carries."""
ROLLBACK = "remedyd.io/rollback"
"""Annotation naming the proposal whose change was taken back."""
_ATTEMPTS = 4
_LONGEST_WAIT = 5.0

Fence = Callable[[str], None]
"""Called with the proposal's id just before a write; raises Refused to stop it."""
Recheck = Callable[[Plan, KubeObject], Sequence[Precheck]]
"""Runs the prechecks again on the live object."""


class Door(Protocol):
    """What may write, or pretend to."""

    def write(self, proposal_id: str, plan: Plan) -> Applied:
        """Make the change, once, and say what landed."""
        ...

    def undo(self, proposal_id: str, plan: Plan, applied: Applied) -> Applied:
        """Take our own fields back where they still are ours."""
        ...

    def landed(self, proposal_id: str, target: Target, plan: Plan | None = None) -> Applied | None:
        """Return what a write of this proposal left in the cluster, None when it left nothing."""
        ...


@dataclass(frozen=True, slots=True)
class _Write:
    """One intended write: where, by whose leave, and what proves that it is there."""

    proposal: str
    mark: str
    plan: Plan
    patch: Patch
    check: Callable[[KubeObject], tuple[FieldChange, ...]]
    """Returns the changes still to make; raises when the object is not as expected."""
    fence: Fence
    undo: bool = False

    @property
    def where(self) -> tuple[str, str, str]:
        target = self.plan.target
        return (self.patch.kind or target.kind, target.namespace, self.patch.name or target.name)

    @property
    def uid(self) -> str:
        return self.patch.uid or self.plan.target.uid


class ClusterDoor:
    """Writes to the cluster.

    `fence` is asked before every write, `undo_fence` (default: the same) before taking one back;
    `recheck` runs the prechecks again and any Block refuses the write.
    """

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        fence: Fence,
        *,
        undo_fence: Fence | None = None,
        recheck: Recheck | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the connection, the time, and who is asked."""
        self._cluster = cluster
        self._clock = clock
        self._fence = fence
        self._undo_fence = undo_fence or fence
        self._recheck = recheck
        self._sleep = sleep

    def write(self, proposal_id: str, plan: Plan) -> Applied:
        """Make the planned change exactly once and return what landed.

        Raises Stale when the target moved on, Refused by fence or precheck, NotFound,
        ClusterRejected, ClusterUnavailable (nothing was written), and OutcomeUnknown when it
        may have landed: ask `landed` later.
        """
        if plan.patch is None:
            raise Refused("NothingToWrite", f"{plan.action} of {plan.target} changes nothing")

        def check(live: KubeObject) -> tuple[FieldChange, ...]:
            moved = fields.moved(live, plan.changes)
            if moved:
                raise Stale(
                    f"{plan.target} changed since the plan: {'; '.join(moved)}",
                    hint="wait for the next audit, or plan again",
                )
            self._precheck(plan, live)
            return plan.changes

        return self._attempt(_Write(proposal_id, PROPOSAL, plan, plan.patch, check, self._fence))

    def undo(self, proposal_id: str, plan: Plan, applied: Applied) -> Applied:
        """Write the old values of our own fields back and return what landed.

        Raises Superseded when one of them was changed since, Refused when the plan has no
        undo, and what `write` raises. Fields that are back already are left alone.
        """
        if plan.undo is None:
            raise Refused(
                "NothingToUndo", f"{plan.action} of {plan.target} left nothing to restore"
            )

        def check(live: KubeObject) -> tuple[FieldChange, ...]:
            return _still_ours(live, plan, applied)

        return self._attempt(
            _Write(proposal_id, ROLLBACK, plan, plan.undo, check, self._undo_fence, undo=True)
        )

    def landed(self, proposal_id: str, target: Target, plan: Plan | None = None) -> Applied | None:
        """Return what a write of this proposal left behind, None when it left nothing.

        `plan` is needed where another object than the target is written. Raises NotFound when
        the object is gone.
        """
        patch = (plan.patch if plan else None) or Patch({})
        kind, name = patch.kind or target.kind, patch.name or target.name
        live = self._cluster.get(kind, target.namespace, name)
        if live["metadata"]["uid"] != (patch.uid or target.uid):
            return None
        return self._found(live, PROPOSAL, proposal_id, plan.changes if plan else (), undo=False)

    def _attempt(self, write: _Write) -> Applied:
        if not write.uid:
            raise Refused("NoIdentity", f"the plan for {write.plan.target} names no uid")
        doubt: OutcomeUnknown | None = None
        failed: ClusterError
        sent = ""
        for _ in range(_ATTEMPTS):
            live = self._read(write, doubt)
            found = self._found(
                live, write.mark, write.proposal, write.plan.changes, undo=write.undo
            )
            if found:
                return found
            if live["metadata"]["resourceVersion"] != sent:
                doubt = None
            changes = self._cleared(write, live, doubt)
            if not changes:
                return self._applied(live, (), replayed=True)
            sent = live["metadata"]["resourceVersion"]
            try:
                answer = self._send(write, _body(write, live, changes))
            except OutcomeUnknown as error:
                doubt, failed = error, error
            except ClusterUnavailable as error:
                failed = error
            except ClusterRejected as error:
                _raise_unless_busy(write, error)
                failed = error
            else:
                return self._applied(answer, _differences(answer, changes, write.undo))
            self._pause(failed)
        raise _last_word(write, doubt, failed)

    def _read(self, write: _Write, doubt: OutcomeUnknown | None) -> KubeObject:
        try:
            live = self._cluster.get(*write.where)
        except ClusterError as error:
            raise doubt or error from error
        if live["metadata"]["uid"] != write.uid:
            raise Stale(
                f"{write.plan.target} was deleted and made anew since the plan",
                hint="wait for the next audit",
            )
        return live

    def _cleared(
        self, write: _Write, live: KubeObject, doubt: OutcomeUnknown | None
    ) -> tuple[FieldChange, ...]:
        """Return what is left to change; a lost answer outweighs a later no."""
        try:
            if live["metadata"].get("deletionTimestamp"):
                raise Stale(f"{write.plan.target} is being deleted")
            changes = write.check(live)
            if changes:
                write.fence(write.proposal)
        except (Refused, Stale, Superseded) as error:
            raise doubt or error from error
        return changes

    def _precheck(self, plan: Plan, live: KubeObject) -> None:
        for check in self._recheck(plan, live) if self._recheck else ():
            if check.result is PrecheckResult.BLOCK:
                raise Refused(check.name, check.evidence, hint=check.next_step)

    def _send(self, write: _Write, body: KubeObject) -> KubeObject:
        return self._cluster.patch(
            *write.where,
            body,
            content_type=write.patch.content_type,
            subresource=write.patch.subresource,
        )

    def _found(
        self,
        live: KubeObject,
        mark: str,
        proposal: str,
        changes: tuple[FieldChange, ...],
        *,
        undo: bool,
    ) -> Applied | None:
        annotations = live["metadata"].get("annotations") or {}
        if annotations.get(mark) != proposal:
            return None
        return self._applied(live, _differences(live, changes, undo), replayed=True)

    def _applied(
        self, obj: KubeObject, differences: tuple[FieldChange, ...], *, replayed: bool = False
    ) -> Applied:
        ours = ownership.latest(obj, FIELD_MANAGER) if replayed else None
        return Applied(
            at=ours or self._clock.now(),
            resource_version=str(obj["metadata"]["resourceVersion"]),
            generation=int(obj["metadata"].get("generation") or 0),
            replayed=replayed,
            differences=differences,
        )

    def _pause(self, error: ClusterError) -> None:
        if isinstance(error, ClusterRejected):
            return
        wait = min(error.retry_after or 0.5, _LONGEST_WAIT)
        self._sleep(self._clock.wall_seconds(timedelta(seconds=wait)))


class RecordingDoor(ClusterDoor):
    """Does everything that `ClusterDoor` does but the write: that is a server-side dry run."""

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        fence: Fence,
        *,
        undo_fence: Fence | None = None,
        recheck: Recheck | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take what the real door takes."""
        super().__init__(cluster, clock, fence, undo_fence=undo_fence, recheck=recheck, sleep=sleep)
        self.writes: list[tuple[str, KubeObject]] = []

    def _send(self, write: _Write, body: KubeObject) -> KubeObject:
        answer = self._cluster.patch(
            *write.where,
            body,
            content_type=write.patch.content_type,
            subresource=write.patch.subresource,
            dry_run=True,
        )
        self.writes.append((write.proposal, body))
        return answer


def _body(write: _Write, live: KubeObject, changes: tuple[FieldChange, ...]) -> KubeObject:
    meta = live["metadata"]
    identity = {
        "uid": meta["uid"],
        "resourceVersion": meta["resourceVersion"],
        "annotations": {write.mark: write.proposal},
    }
    whole = changes == write.plan.changes
    ours = write.patch.body if whole else fields.patch_body(changes, undo=write.undo)
    return fields.merge(ours, {"metadata": identity})


def _still_ours(live: KubeObject, plan: Plan, applied: Applied) -> tuple[FieldChange, ...]:
    """Return the changes to take back; raise Superseded when one is somebody else's now."""
    found = {difference.path: difference.new for difference in applied.differences}
    left, lost = [], []
    for change in plan.changes:
        now = fields.lookup(live, change.path)
        ours = found.get(change.path, change.new)
        if fields.equal(change.path, now, change.old):
            continue
        if not fields.equal(change.path, now, ours):
            lost.append(f"{change.path} is {now} instead of our {ours}{_by(live, change.path)}")
        elif not _owned(live, change.path):
            lost.append(f"{change.path} was set to the same value{_by(live, change.path)}")
        else:
            left.append(change)
    if lost:
        raise Superseded(
            f"{plan.target} is not as we left it: {'; '.join(lost)}",
            hint="compare by hand; remedyd leaves it as it is",
        )
    return tuple(left)


def _owned(live: KubeObject, path: str) -> bool:
    if not ownership.recorded(live) or fields.lookup(live, path) is None:
        return True
    return any(owner.manager == FIELD_MANAGER for owner in ownership.owners(live, path))


def _by(live: KubeObject, path: str) -> str:
    names = [o.manager for o in ownership.owners(live, path) if o.manager != FIELD_MANAGER]
    return f" by {names[0]}" if names else ""


def _differences(
    obj: KubeObject, changes: tuple[FieldChange, ...], undo: bool
) -> tuple[FieldChange, ...]:
    if undo:
        changes = tuple(FieldChange(c.path, c.new, c.old) for c in changes)
    return fields.landed(obj, changes)


def _raise_unless_busy(write: _Write, error: ClusterRejected) -> None:
    """Let a lost race pass, for another attempt; anything else is a definite no."""
    if error.status == 409 and error.reason == "Conflict":
        return
    if error.status == 422 and "metadata.uid" in error.message:
        raise Stale(f"{write.plan.target} was deleted and made anew since the plan") from error
    raise error


def _last_word(write: _Write, doubt: OutcomeUnknown | None, failed: ClusterError) -> ClusterError:
    if doubt:
        return doubt
    if isinstance(failed, ClusterRejected):
        return ClusterUnavailable(
            f"{write.plan.target} was changed by others during each of {_ATTEMPTS} attempts",
            status=failed.status,
            reason=failed.reason,
            hint="nothing was written; try again when it is quieter",
        )
    return failed
