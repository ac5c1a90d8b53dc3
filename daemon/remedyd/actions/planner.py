"""From a request to a plan that the API server has already accepted.

Telemetry nominates, the live object decides: the planner reads, lets the action compute, runs
the prechecks, and asks the API server with `dryRun=All` before anyone else is asked. A plan
that the server refuses never becomes a proposal.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from remedyd.actions.action import Action, Ceiling, Live, RevisionHistory, validated
from remedyd.actions.registry import ACTIONS
from remedyd.cluster import fields, prechecks, quantities, writes
from remedyd.cluster.kinds import kind_of
from remedyd.cluster.ports import Api, Reader
from remedyd.cluster.prechecks import Scene, capacity
from remedyd.cluster.reader import Surroundings
from remedyd.cluster.revisions import of_controller_revision, of_replicaset
from remedyd.cluster.writes import eviction
from remedyd.errors import ClusterError, InvalidInput, Refused
from remedyd.model.audit import AuditRow
from remedyd.model.clock import Clock
from remedyd.model.decision import ActionRequest
from remedyd.model.plan import Patch, Plan, Precheck, PrecheckResult
from remedyd.model.revision import Revision
from remedyd.model.target import Target
from remedyd.model.values import KubeObject

_ACCEPTED = "accepted by the API server"


class Planner:
    """Plans actions against one cluster; thread-safe."""

    def __init__(
        self,
        cluster: Api,
        clock: Clock,
        history: RevisionHistory | None = None,
        entitled: Callable[[str, str, str], None] = lambda action, kind, namespace: None,
        *,
        lately: Reader | None = None,
    ) -> None:
        """Take the connection, the time, and what the audits remember of revisions.

        `entitled` raises Refused where we lack the rights to carry an action out. Plans are drawn
        up with `lately` where it is given, and always checked again with the connection.
        """
        self._drafting = lately or cluster
        self._entitled = entitled
        self._cluster = cluster
        self._clock = clock
        self._history = history

    def plan(self, target: Target, request: ActionRequest, row: AuditRow | None = None) -> Plan:
        """Return the plan with diff, undo, prechecks and the server's answer to a dry run.

        A plan with a blocking precheck comes back without a dry run; look at `plan.blocked`.
        `row` is the evidence, compared with the live object. Raises InvalidInput for an
        unknown action or bad parameters, NotFound, Refused when the action has nothing sound
        to do, ClusterRejected with the API server's words, ClusterUnavailable.
        """
        _action(request.type, target)  # what is no action is a mistake, not a missing right
        self._entitled(request.type, target.kind, target.namespace)
        plan = draft(self._drafting, self._clock.now(), target, request, row, self._history)
        return plan if plan.patch is None or plan.blocked else self._rehearsed(plan)

    def first_container(self, target: Target) -> str:
        """Return the name of the workload's first container; raises as `plan` for the read."""
        workload = _read(self._cluster, target)
        name: str = workload["spec"]["template"]["spec"]["containers"][0]["name"]
        return name

    def recheck(self, plan: Plan, live: KubeObject) -> tuple[Precheck, ...]:
        """Run the prechecks again on the object as it is now: for the door."""
        around = Surroundings(self._cluster, live)
        return prechecks.run(Scene(plan, live, around, self._clock.now()))

    def _rehearsed(self, plan: Plan) -> Plan:
        """Ask the API server for a dry run; a value that it would change blocks the plan."""
        assert plan.patch is not None
        for pod in plan.pods:
            self._rehearse(plan, pod)
        answer = self._rehearse(plan, plan.patch)
        if plan.patch.subresource == "eviction":
            return replace(plan, dry_run=_ACCEPTED)
        other = fields.landed(answer, writes.workload_changes(plan))
        if not other:
            return replace(plan, dry_run=_ACCEPTED)
        told = "; ".join(f"{c.path} would be {c.new} instead of {c.old}" for c in other)
        check = Precheck(
            "Admission",
            PrecheckResult.BLOCK,
            f"an admission webhook changes the change: {told}",
            "ask the owner of the webhook",
        )
        return replace(plan, dry_run=f"accepted, but {told}", prechecks=(*plan.prechecks, check))

    def _rehearse(self, plan: Plan, patch: Patch) -> KubeObject:
        """Return the API server's answer to one write with `dryRun=All`."""
        kind, name = patch.kind or plan.target.kind, patch.name or plan.target.name
        namespace = plan.target.namespace
        if patch.subresource == "eviction":
            body = eviction(namespace, patch, dry_run=True)
            return self._cluster.create(
                kind, namespace, body, name=name, subresource=patch.subresource, dry_run=True
            )
        identity = {"metadata": {"uid": patch.uid or plan.target.uid}}
        return self._cluster.patch(
            kind,
            namespace,
            name,
            fields.merge(patch.body, identity),
            content_type=patch.content_type,
            subresource=patch.subresource,
            dry_run=True,
        )


def draft(
    reader: Reader,
    now: datetime,
    target: Target,
    request: ActionRequest,
    row: AuditRow | None,
    history: RevisionHistory | None = None,
) -> Plan:
    """Return the plan with its prechecks, from reads alone: what `Planner.plan` then rehearses.

    Raises as `Planner.plan` does, apart from what the dry run says.
    """
    action = _action(request.type, target)
    params = validated(action.params, _resolved(request, row), action.type)
    workload = _read(reader, target)
    around = Surroundings(reader, workload)
    plan = action.plan(target, params, _live(action, target, workload, around, history), now)
    return replace(plan, prechecks=prechecks.run(Scene(plan, workload, around, now, row)))


def _live(
    action: Action,
    target: Target,
    workload: KubeObject,
    around: Surroundings,
    history: RevisionHistory | None,
) -> Live:
    reads = action.reads
    known = revisions(around) if "Revision" in reads else ()
    return Live(
        workload,
        pods=tuple(around.pods()) if "Pod" in reads else (),
        revisions=known,
        judged=history.judged(target, known) if history and known else {},
        autoscalers=tuple(around.autoscalers()) if "HorizontalPodAutoscaler" in reads else (),
        ceilings=tuple(ceilings(workload, around)) if "Ceiling" in reads else (),
        defaults=dict(defaults(around)) if "Ceiling" in reads else {},
    )


def revisions(around: Surroundings) -> tuple[Revision, ...]:
    """Return the workload's revisions, latest first."""
    if around.workload["kind"] == "Deployment":
        return tuple(of_replicaset(one) for one in around.replicasets())
    return tuple(of_controller_revision(one) for one in around.controller_revisions())


def _read(reader: Reader, target: Target) -> KubeObject:
    kind_of(target.kind)
    workload = reader.get(target.kind, target.namespace, target.name)
    if target.uid and workload["metadata"]["uid"] != target.uid:
        raise Refused(
            "OtherObject",
            f"{target} was deleted and made anew since it was measured",
            hint="wait for the next audit",
        )
    return workload


def _action(name: str, target: Target) -> Action:
    action = ACTIONS.get(name)
    if action is None:
        raise InvalidInput(f"no action is called {name!r}", hint=f"use {', '.join(ACTIONS)}")
    if target.kind not in action.kinds:
        raise InvalidInput(
            f"{name} cannot change a {target.kind}",
            hint=f"it can {', '.join(sorted(action.kinds))}",
        )
    return action


def _resolved(request: ActionRequest, row: AuditRow | None) -> dict[str, Any]:
    """Return the parameters with each `somethingFrom: column` filled in from the row.

    A parameter that is given outright outweighs its column.
    """
    given = dict(request.params)
    for key, column in request.params.items():
        plain = key.removesuffix("From")
        if plain == key or not column or given.get(plain) or row is None:
            continue
        value = row.values.get(str(column))
        if value is None or value == "":
            raise InvalidInput(
                f"{key}: column {column!r} of audit {row.audit} has no value",
                hint=f"it has {', '.join(row.values)}",
            )
        given[plain] = value
    return given


def defaults(around: Surroundings) -> Iterator[tuple[tuple[str, str], Decimal]]:
    """Yield what LimitRanges give containers that set no limit or request of their own."""
    for one in around.limit_ranges():
        for item in one["spec"].get("limits") or ():
            if item.get("type") == "Container":
                for section, key in (("limits", "default"), ("requests", "defaultRequest")):
                    for resource, amount in (item.get(key) or {}).items():
                        yield (section, resource), quantities.parse(amount)


def _quota_ceilings(workload: KubeObject, around: Surroundings) -> Iterator[Ceiling]:
    """Yield how much more quotas leave each pod; where they cannot be read, the check blocks."""
    try:
        quotas = around.quotas()
    except ClusterError:
        return
    for quota in quotas:
        for section, resource, growth in capacity.headroom(workload, quota):
            source = f"ResourceQuota {quota['metadata']['name']}"
            yield Ceiling(resource, growth, source, section, more=True)


def ceilings(workload: KubeObject, around: Surroundings) -> Iterator[Ceiling]:
    """Yield what LimitRanges, quotas and the largest node for the pods allow one container."""
    for one in around.limit_ranges():
        for item in one["spec"].get("limits") or ():
            if item.get("type") == "Container":
                for resource, most in (item.get("max") or {}).items():
                    source = f"LimitRange {one['metadata']['name']}"
                    yield Ceiling(resource, quantities.parse(most), source)
    yield from _quota_ceilings(workload, around)
    pod = workload["spec"]["template"]["spec"]
    nodes = [node for node in around.nodes() if capacity.usable(node, pod)]
    for resource in ("memory", "cpu"):
        most = max((capacity.allocatable(node, resource) for node in nodes), default=Decimal(0))
        if most:
            yield Ceiling(resource, most, "the largest ready node")
