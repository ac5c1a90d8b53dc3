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
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from remedyd.cluster import fields, ownership, writes
from remedyd.cluster.ports import FIELD_MANAGER, Api
from remedyd.cluster.writes import PROPOSAL, ROLLBACK, Write
from remedyd.errors import (
    ClusterError,
    ClusterRejected,
    ClusterUnavailable,
    NotFound,
    OutcomeUnknown,
    Refused,
    RemedydError,
    Stale,
    Superseded,
)
from remedyd.model.clock import Clock
from remedyd.model.plan import Applied, FieldChange, Patch, Plan, Precheck, PrecheckResult
from remedyd.model.target import Target
from remedyd.model.values import KubeObject

__all__ = ["PROPOSAL", "ROLLBACK", "ClusterDoor", "Door", "Fence", "Recheck", "RecordingDoor"]

_ATTEMPTS = 4
LONGEST_WAIT = 5.0
"""Seconds that an attempt waits by itself; whoever is asked for more comes back later."""

Fence = Callable[[str], None]
"""Called with the proposal's id just before a write; raises Refused to stop it."""
Recheck = Callable[[Plan, KubeObject], Sequence[Precheck]]
"""Runs the prechecks again on the live workload."""


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
class _Pods:
    """What single pods were given: fields that did not land there, and how many took it."""

    differences: tuple[FieldChange, ...]
    landed: int


class ClusterDoor:
    """Writes to the cluster.

    `fence` is asked before every write, `undo_fence` (default: the same) before taking one back;
    `recheck` runs the prechecks again and any Block refuses the write.
    """

    def __init__(
        self,
        cluster: Api,
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
        if plan.patch.subresource == "eviction":
            return self._evict(proposal_id, plan, plan.patch)
        pods = self._each_pod(plan, lambda patch: self._resize(proposal_id, plan, patch))
        changes = writes.workload_changes(plan)

        def check(live: KubeObject) -> tuple[FieldChange, ...]:
            writes.as_planned(live, str(plan.target), changes)
            if not plan.pods:
                self._precheck(plan, live)
            return changes

        write = Write(proposal_id, plan, plan.patch, changes, check, self._fence)
        return self._after_pods(pods, write)

    def undo(self, proposal_id: str, plan: Plan, applied: Applied) -> Applied:
        """Write the old values of our own fields back and return what landed.

        Raises Superseded when one of them was changed since, Refused when the plan has no
        undo, and what `write` raises. Fields that are back already are left alone.
        """
        if plan.undo is None:
            raise Refused(
                "NothingToUndo", f"{plan.action} of {plan.target} left nothing to restore"
            )
        pods = self._each_pod(
            plan,
            lambda patch: self._resize_back(proposal_id, plan, patch, applied),
            gone_is_fine=True,
        )
        changes = writes.workload_changes(plan)

        def check(live: KubeObject) -> tuple[FieldChange, ...]:
            return writes.still_ours(live, str(plan.target), changes, applied)

        undo = Write(proposal_id, plan, plan.undo, changes, check, self._undo_fence, undo=True)
        return self._after_pods(pods, undo)

    def landed(self, proposal_id: str, target: Target, plan: Plan | None = None) -> Applied | None:
        """Return what a write of this proposal left behind, None when it left nothing.

        `plan` is needed where another object than the target is written. Raises NotFound when
        the object is gone.
        """
        patch = (plan.patch if plan else None) or Patch({})
        if patch.subresource == "eviction":
            return self._gone() if self._is_gone(target.namespace, patch) else None
        if plan is not None and plan.pods and (found := self._resized(plan)) is not None:
            return found
        kind, name = patch.kind or target.kind, patch.name or target.name
        live = self._cluster.get(kind, target.namespace, name)
        mark = (live["metadata"].get("annotations") or {}).get(PROPOSAL)
        if live["metadata"]["uid"] != (patch.uid or target.uid) or mark != proposal_id:
            return None
        return self._applied(live, (), replayed=True)

    def _resized(self, plan: Plan) -> Applied | None:
        """Return what the pods have of the resizes, None when none of them has any."""
        missing: list[FieldChange] = []
        landed = 0
        for patch in plan.pods:
            changes = writes.pod_changes(plan, patch.name)
            try:
                pod = self._cluster.get("Pod", plan.target.namespace, patch.name)
            except NotFound:
                continue
            left = fields.landed(pod, changes)
            missing += writes.of_pod(patch.name, left)
            landed += pod["metadata"]["uid"] == patch.uid and not left
        return replace(self._gone(), differences=tuple(missing)) if landed else None

    def _attempt(self, write: Write) -> Applied:
        if not write.uid:
            raise Refused("NoIdentity", f"the plan for {write.plan.target} names no uid")
        doubt: OutcomeUnknown | None = None
        failed: ClusterError
        sent = ""
        for _ in range(_ATTEMPTS):
            live = self._read(write, doubt)
            if write.is_there(live):
                return self._applied(live, write.differences(live), replayed=True)
            if live["metadata"]["resourceVersion"] != sent:
                doubt = None
            due = self._cleared(write, live, doubt)
            if due is None:
                return self._applied(live, (), replayed=True)
            sent = live["metadata"]["resourceVersion"]
            try:
                answer = self._send(write, write.body(live, due))
            except OutcomeUnknown as error:
                doubt, failed = error, error
            except ClusterUnavailable as error:
                failed = error
            except ClusterRejected as error:
                writes.raise_unless_busy(write, error, doubt)
                failed = error
            else:
                return self._applied(answer, write.differences(answer))
            if failed.retry_after > LONGEST_WAIT:
                break
            self._pause(failed)
        raise writes.last_word(write, doubt, failed, _ATTEMPTS)

    def _read(self, write: Write, doubt: OutcomeUnknown | None) -> KubeObject:
        try:
            live = self._cluster.get(*write.where)
        except ClusterError as error:
            raise doubt or error from error
        if live["metadata"]["uid"] != write.uid:
            raise Stale(
                f"{write.label()} was deleted and made anew since the plan",
                hint="wait for the next audit",
            )
        return live

    def _cleared(
        self, write: Write, live: KubeObject, doubt: OutcomeUnknown | None
    ) -> tuple[FieldChange, ...] | None:
        """Return what is left to change, None when nothing is; a lost answer outweighs a no."""
        try:
            if live["metadata"].get("deletionTimestamp"):
                raise Stale(f"{write.label()} is being deleted")
            due = write.check(live)
            if write.changes and not due:
                return None
            write.fence(write.proposal)
        except (Refused, Stale, Superseded, ClusterError) as error:
            raise doubt or error from error
        return due

    def _precheck(self, plan: Plan, live: KubeObject) -> None:
        if plan.patch is not None and plan.patch.kind:
            target = plan.target
            live = self._cluster.get(target.kind, target.namespace, target.name)
        for check in self._recheck(plan, live) if self._recheck else ():
            if check.result is PrecheckResult.BLOCK:
                raise Refused(check.name, check.evidence, hint=check.next_step)

    def _each_pod(
        self,
        plan: Plan,
        one: Callable[[Patch], tuple[FieldChange, ...]],
        *,
        gone_is_fine: bool = False,
    ) -> _Pods:
        """Write to each pod in turn; a fence that closes midway leaves the outcome open.

        One pod that is gone or does not fit must not undo what the others were given; when none
        took it, the first refusal is the answer (`gone_is_fine`: not for pods that are gone).
        """
        found: list[FieldChange] = []
        refusals: list[RemedydError] = []
        landed = 0
        for patch in plan.pods:
            try:
                found += one(patch)
                landed += 1
            except Refused as refusal:
                if not landed:
                    raise
                raise OutcomeUnknown(
                    f"{landed} of {len(plan.pods)} pods were resized, then: {refusal.message}",
                    hint=refusal.hint,
                ) from refusal
            except (NotFound, Stale, Superseded, ClusterRejected) as refusal:
                changes = writes.pod_changes(plan, patch.name)
                found += writes.of_pod(patch.name, fields.inverse(changes))
                if not (gone_is_fine and isinstance(refusal, NotFound | Stale)):
                    refusals.append(refusal)
        if refusals and not landed:
            raise refusals[0]
        return _Pods(tuple(found), landed)

    def _after_pods(self, pods: _Pods, write: Write) -> Applied:
        """Write to the workload; what pods were given stands, whatever becomes of the mark."""
        try:
            done = self._attempt(write)
        except (Refused, Stale, Superseded, NotFound, ClusterRejected):
            if not pods.landed:
                raise
            done = replace(self._gone(), replayed=False)
        return replace(done, differences=(*pods.differences, *done.differences))

    def _resize(self, proposal: str, plan: Plan, patch: Patch) -> tuple[FieldChange, ...]:
        """Resize one pod; return what did not land there, as when the pod is gone."""
        changes = writes.pod_changes(plan, patch.name)

        def check(live: KubeObject) -> tuple[FieldChange, ...]:
            return writes.to_resize(live, f"pod {patch.name}", changes)

        return self._pod(Write(proposal, plan, patch, changes, check, self._fence))

    def _resize_back(
        self, proposal: str, plan: Plan, patch: Patch, applied: Applied
    ) -> tuple[FieldChange, ...]:
        changes = writes.pod_changes(plan, patch.name)

        def check(live: KubeObject) -> tuple[FieldChange, ...]:
            return writes.still_ours(live, f"pod {patch.name}", changes, applied)

        back = replace(patch, body=fields.patch_body(changes, undo=True))
        return self._pod(Write(proposal, plan, back, changes, check, self._undo_fence, undo=True))

    def _pod(self, write: Write) -> tuple[FieldChange, ...]:
        return writes.of_pod(write.patch.name, self._attempt(write).differences)

    def _evict(self, proposal: str, plan: Plan, patch: Patch) -> Applied:
        """Evict one pod under its disruption budget; a pod that is gone has been evicted."""
        failed: ClusterError
        for _ in range(_ATTEMPTS):
            if self._is_gone(plan.target.namespace, patch):
                return self._gone()
            self._precheck(plan, {})
            self._fence(proposal)
            try:
                self._post_eviction(plan, patch)
            except NotFound:
                return self._gone()
            except (OutcomeUnknown, ClusterUnavailable) as error:
                failed = error
                self._pause(error)
            else:
                return replace(self._gone(), replayed=False)
        raise failed

    def _post_eviction(self, plan: Plan, patch: Patch, *, dry_run: bool = False) -> KubeObject:
        body = writes.eviction(plan.target.namespace, patch, dry_run=dry_run)
        return self._cluster.create(
            "Pod",
            plan.target.namespace,
            body,
            name=patch.name,
            subresource="eviction",
            dry_run=dry_run,
        )

    def _is_gone(self, namespace: str, patch: Patch) -> bool:
        """Say whether the pod to evict is gone, on its way out, or another by now."""
        try:
            meta = self._cluster.get("Pod", namespace, patch.name)["metadata"]
        except NotFound:
            return True
        return bool(meta["uid"] != patch.uid or meta.get("deletionTimestamp"))

    def _gone(self) -> Applied:
        return Applied(self._clock.now(), resource_version="", generation=0, replayed=True)

    def _send(self, write: Write, body: KubeObject) -> KubeObject:
        return self._patch(write, body, dry_run=False)

    def _patch(self, write: Write, body: KubeObject, *, dry_run: bool) -> KubeObject:
        return self._cluster.patch(
            *write.where,
            body,
            content_type=write.patch.content_type,
            subresource=write.patch.subresource,
            dry_run=dry_run,
        )

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
        wait = min(error.retry_after or 0.5, LONGEST_WAIT)
        self._sleep(self._clock.wall_seconds(timedelta(seconds=wait)))


class RecordingDoor(ClusterDoor):
    """Does everything that `ClusterDoor` does but the write: that is a server-side dry run.

    `writes` holds (proposal id, body) of each in the order in which they would have been made.
    """

    def __init__(
        self,
        cluster: Api,
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

    def write(self, proposal_id: str, plan: Plan) -> Applied:
        """Rehearse the change; what comes back says that it was only recorded."""
        applied = super().write(proposal_id, plan)
        return applied if applied.replayed else replace(applied, recorded=True)

    def undo(self, proposal_id: str, plan: Plan, applied: Applied) -> Applied:
        """Rehearse the undo likewise."""
        undone = super().undo(proposal_id, plan, applied)
        return undone if undone.replayed else replace(undone, recorded=True)

    def _send(self, write: Write, body: KubeObject) -> KubeObject:
        answer = self._patch(write, body, dry_run=True)
        self.writes.append((write.proposal, body))
        return answer

    def _post_eviction(self, plan: Plan, patch: Patch, *, dry_run: bool = False) -> KubeObject:
        return super()._post_eviction(plan, patch, dry_run=True)
