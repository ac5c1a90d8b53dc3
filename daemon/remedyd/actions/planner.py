"""From a request to a plan that the API server has already accepted.

Telemetry nominates, the live object decides: the planner reads, lets the action compute, runs
the prechecks, and asks the API server with `dryRun=All` before anyone else is asked. A plan
that the server refuses never becomes a proposal.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from remedyd.actions.action import Action, Ceiling, Live, Parameters, validated
from remedyd.actions.registry import ACTIONS
from remedyd.cluster import fields, prechecks, quantities
from remedyd.cluster.client import Cluster, Reader
from remedyd.cluster.kinds import kind_of
from remedyd.cluster.prechecks import Scene, capacity
from remedyd.cluster.reader import Surroundings
from remedyd.errors import InvalidInput, Refused
from remedyd.model.audit import AuditRow
from remedyd.model.clock import Clock
from remedyd.model.decision import ActionRequest
from remedyd.model.plan import Plan, Precheck, PrecheckResult
from remedyd.model.target import Target
from remedyd.model.values import KubeObject


class Planner:
    """Plans actions against one cluster; thread-safe."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        """Take the connection and the time."""
        self._cluster = cluster
        self._clock = clock

    def plan(self, target: Target, request: ActionRequest, row: AuditRow | None = None) -> Plan:
        """Return the plan with diff, undo, prechecks and the server's answer to a dry run.

        A plan with a blocking precheck comes back without a dry run; look at `plan.blocked`.
        `row` is the evidence, compared with the live object. Raises InvalidInput for an
        unknown action or bad parameters, NotFound, Refused when the action has nothing sound
        to do, ClusterRejected with the API server's words, ClusterUnavailable.
        """
        plan = draft(self._cluster, self._clock.now(), target, request, row)
        return plan if plan.patch is None or plan.blocked else self._rehearsed(plan)

    def recheck(self, plan: Plan, live: KubeObject) -> tuple[Precheck, ...]:
        """Run the prechecks again on the object as it is now: for the door."""
        around = Surroundings(self._cluster, live)
        return prechecks.run(Scene(plan, live, around, self._clock.now()))

    def _rehearsed(self, plan: Plan) -> Plan:
        """Ask the API server for a dry run; a value that it would change blocks the plan."""
        assert plan.patch is not None
        identity = {"metadata": {"uid": plan.patch.uid or plan.target.uid}}
        answer = self._cluster.patch(
            plan.patch.kind or plan.target.kind,
            plan.target.namespace,
            plan.patch.name or plan.target.name,
            fields.merge(plan.patch.body, identity),
            content_type=plan.patch.content_type,
            subresource=plan.patch.subresource,
            dry_run=True,
        )
        other = fields.landed(answer, plan.changes)
        if not other:
            return replace(plan, dry_run="accepted by the API server")
        told = "; ".join(f"{c.path} would be {c.new} instead of {c.old}" for c in other)
        check = Precheck(
            "Admission",
            PrecheckResult.BLOCK,
            f"an admission webhook changes the change: {told}",
            "ask the owner of the webhook",
        )
        return replace(plan, dry_run=f"accepted, but {told}", prechecks=(*plan.prechecks, check))


def draft(
    reader: Reader, now: datetime, target: Target, request: ActionRequest, row: AuditRow | None
) -> Plan:
    """Return the plan with its prechecks, from reads alone: what `Planner.plan` then rehearses.

    Raises as `Planner.plan` does, apart from what the dry run says.
    """
    action = _action(request.type, target)
    params = validated(action.params, request.params, action.type)
    target = _about(target, request, row)
    workload = _read(reader, target)
    around = Surroundings(reader, workload)
    plan = action.plan(target, params, _live(action, params, workload, around), now)
    return replace(plan, prechecks=prechecks.run(Scene(plan, workload, around, now, row)))


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


def _about(target: Target, request: ActionRequest, row: AuditRow | None) -> Target:
    """Return the target with the container that the row's `containerFrom` column names."""
    column = request.params.get("containerFrom")
    if row is None or not column or request.params.get("container"):
        return target
    named = row.values.get(str(column))
    if not isinstance(named, str) or not named:
        raise InvalidInput(
            f"containerFrom: column {column!r} of audit {row.audit} names no container",
            hint=f"it has {', '.join(row.values)}",
        )
    return replace(target, container=named)


def _live(action: Action, params: Parameters, workload: KubeObject, around: Surroundings) -> Live:
    return Live(
        workload,
        pods=tuple(around.pods()) if "Pod" in action.reads else (),
        replicasets=tuple(around.replicasets()) if "ReplicaSet" in action.reads else (),
        autoscalers=(
            tuple(around.autoscalers()) if "HorizontalPodAutoscaler" in action.reads else ()
        ),
        ceilings=tuple(ceilings(workload, around)) if "Ceiling" in action.reads else (),
    )


def ceilings(workload: KubeObject, around: Surroundings) -> Iterator[Ceiling]:
    """Yield what LimitRanges and the largest node that takes the pods allow one container."""
    for one in around.limit_ranges():
        for item in one["spec"].get("limits") or ():
            if item.get("type") == "Container":
                for resource, most in (item.get("max") or {}).items():
                    source = f"LimitRange {one['metadata']['name']}"
                    yield Ceiling(resource, quantities.parse(most), source)
    pod = workload["spec"]["template"]["spec"]
    nodes = [node for node in around.nodes() if capacity.usable(node, pod)]
    for resource in ("memory", "cpu"):
        most = max((capacity.allocatable(node, resource) for node in nodes), default=Decimal(0))
        if most:
            yield Ceiling(resource, most, "the largest ready node")
