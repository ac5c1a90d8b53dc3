"""The roles of each example of the chart are enough for all that its daemon does, none is spare."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from remedyd.actions.planner import Planner
from remedyd.actions.registry import ACTIONS, SCHEMAS
from remedyd.audits.loader import load_audits
from remedyd.cluster import identity
from remedyd.cluster.door import ClusterDoor
from remedyd.cluster.elector import Elector
from remedyd.cluster.progress import progress
from remedyd.cluster.readback import inspect
from remedyd.cluster.telling import Teller, Told
from remedyd.model import ActionRequest, KubeObject, Plan
from remedyd.observability.metrics import Metrics
from remedyd.policy.guardrails import Guardrails
from remedyd.policy.loader import load_policies
from remedyd.proposals.store import Store
from remedyd.rights import Use, uses
from remedyd.stages.guard import Guard
from support.chart import EXAMPLES, NAMESPACE, render, written
from support.cluster import namespace
from support.labserver import target
from support.proposals import a_decision
from support.rbac import CLAIM, Stage, stage, workload

PARAMS: dict[str, dict[str, Any]] = {
    "UpdateResources": {"memory": {"factor": 1.5}},
    "Scale": {"delta": 1, "max": 9},
}
DELEGATOR: KubeObject = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "system:auth-delegator"},
    "rules": [
        {"apiGroups": [group], "resources": [resource], "verbs": ["create"]}
        for group, resource in (
            ("authentication.k8s.io", "tokenreviews"),
            ("authorization.k8s.io", "subjectaccessreviews"),
        )
    ],
}
CASES = [
    *((values, ()) for values in EXAMPLES),
    (EXAMPLES[0], ("replicas=2", "database.secret=d", "identity.kubernetes.enabled=true")),
]


def installed(found: Stage, manifests: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Create the roles and bindings; return verb and resource of all that they grant."""
    made = [one for one in manifests if "Role" in one["kind"]]
    for one in [DELEGATOR, *made]:
        plural = f"rbac.authorization.k8s.io/v1/{one['kind'].lower()}s"
        found.server.store.create(plural, one["metadata"].get("namespace"), one, manager="helm")
    roles = [one for one in made if one["kind"] in ("ClusterRole", "Role")]
    if any(one.get("roleRef", {}).get("name") == "system:auth-delegator" for one in made):
        roles.append(DELEGATOR)
    return {
        (verb, resource)
        for role in roles
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def wanted(manifests: list[dict[str, Any]], values: Path, folder: Path) -> Iterable[Use]:
    """Return what the example's policies do, and what it lets people ask for."""
    audits = load_audits([written(manifests, "r-audits", folder / "audits")])
    places = [written(manifests, "r-policies", folder / "policies")]
    loaded = load_policies(places, audits=audits.specs, actions=SCHEMAS)
    asked = ("Restart", "Scale", "Status") if values.stem == "propose" else ()
    return [*uses(loaded.values()), *(Use(action) for action in asked)]


class Work:
    """Does with a daemon's rights what a daemon does."""

    def __init__(self, found: Stage, store: Store) -> None:
        self.found, self.daemon, self.clock = found, found.daemon, found.clock
        self.planner = Planner(self.daemon, self.clock)
        self.numbers = count(1)
        self.guard = Guard(store, self.daemon, self.clock, Guardrails(), Metrics())

    def carry_out(self, use: Use, live: KubeObject) -> None:
        """Plan, ask the guardrails, write, follow, read back, tell, and take back."""
        number = next(self.numbers)
        request = ActionRequest(use.action, PARAMS.get(use.action, {}))
        plan = self.planner.plan(target(live), request)
        assert plan.blocked == ()
        self.guarded(use, plan)
        if plan.patch is None:
            return
        door = ClusterDoor(self.daemon, self.clock, lambda _: None, recheck=self.planner.recheck)
        applied = door.write(f"p{number}", plan)
        now = self.daemon.get(live["kind"], "shop", "checkout")
        progress(self.daemon, plan, now, applied.at, self.clock.now())
        inspect(self.daemon, plan)
        self.tell(plan, number)
        if plan.undo is not None:
            door.undo(f"p{number}", plan, applied)

    def guarded(self, use: Use, plan: Plan) -> None:
        """Ask as for a policy's decision, or for a person's request."""
        if not use.policy:
            self.guard.check_request(plan)
            return
        decision = replace(a_decision(plan.target), target=plan.target)
        self.guard.check_plan(self.guard.lowered(decision), plan)
        for namespace_ in {plan.target.namespace}:
            self.daemon.list("Pod", namespace_)  # by which a storm is grouped

    def tell(self, plan: Plan, number: int) -> None:
        """Write an Event on the workload."""
        note = {
            "namespace": "shop", "name": "checkout", "kind": plan.target.kind,
            "uid": plan.target.uid, "reason": "Applied", "message": "done", "type": "Normal",
            "action": "apply",
        }  # fmt: skip
        told, why = Teller(self.daemon, instance="a").tell(f"k{number}", note, self.clock.now())
        assert told is Told.CREATED, why

    def lead(self) -> None:
        """Take the Lease, keep it, give it back."""
        elector = Elector(self.daemon, self.clock, NAMESPACE, "r", "a", passing=lambda: 0.0)
        assert elector.step()
        assert elector.step()
        elector.release()

    def identify(self) -> None:
        """Ask who a caller is, and what RBAC lets them do."""
        user = identity.review_token(self.daemon, "d", ["remedyd"])
        if user is None:
            user = identity.KubernetesUser("x")
        assert not identity.may(self.daemon, user, "get")


@pytest.mark.parametrize(("values", "settings"), CASES)
def test_an_examples_rights_are_enough_and_none_is_spare(
    values: Path, settings: tuple[str, ...], tmp_path: Path
) -> None:
    """All that its policies do and people may ask for works; each right granted is used."""
    manifests = render(4, values, "serviceAccount.name=remedyd", *settings)
    with (
        stage(tmp_path) as found,
        closing(Store(f"sqlite:///{tmp_path / 's.db'}", found.clock)) as store,
    ):
        store.migrate()
        found.put(namespace(NAMESPACE))
        found.put(CLAIM)
        granted = installed(found, manifests)
        work = Work(found, store)
        for use in wanted(manifests, values, tmp_path):
            for kind in use.kinds:
                if kind in ACTIONS[use.action].kinds:
                    work.carry_out(use, found.put(workload(kind)))
                    path = f"apps/v1/{kind.lower()}s"
                    found.server.store.delete(path, "shop", "checkout")
        if ("create", "leases") in granted:
            work.lead()
        if ("create", "tokenreviews") in granted:
            work.identify()
        assert found.used() == granted
