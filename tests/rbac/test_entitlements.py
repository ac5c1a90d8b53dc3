"""What the daemon may do in Kubernetes decides which actions are there, from the start on."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from remedyd.actions.registry import SCHEMAS
from remedyd.audits.loader import load_audits
from remedyd.cluster.client import Cluster
from remedyd.entitlements import Entitlements
from remedyd.errors import ConfigurationError, Refused
from remedyd.lab.apiserver.access import RoleBased
from remedyd.lab.apiserver.messages import User
from remedyd.lab.apiserver.server import LabApiServer
from remedyd.lab.apiserver.store import ObjectStore
from remedyd.model import KubeObject, ManualClock
from remedyd.observability.metrics import Metrics
from remedyd.paths import shipped
from remedyd.policy.loader import load_policies
from remedyd.policy.policy import PolicySet
from remedyd.rights import Use, rights, rules, uses
from support.labserver import NOW

RBAC = "rbac.authorization.k8s.io/v1"
DAEMON = User("remedyd", ("system:authenticated",))


def _policies() -> PolicySet:
    audits = load_audits([shipped("esql")])
    return load_policies([shipped("policies")], audits=audits.specs, actions=SCHEMAS)


POLICIES = _policies()
NEEDED = rules(rights(uses(POLICIES.values())).everywhere)


class Asked:
    """The cluster with its roles, seen by the daemon; counts the questions."""

    def __init__(self, store: ObjectStore, cluster: Cluster) -> None:
        """Take the stored objects and the daemon's own connection."""
        self._store = store
        self._cluster = cluster
        self.questions = 0
        self.clock = ManualClock(NOW)
        self.metrics = Metrics()

    def ask(self, kind: str, body: KubeObject) -> KubeObject:
        """Post a review."""
        self.questions += 1
        return self._cluster.ask(kind, body)

    def grant(self, granted: Sequence[KubeObject], name: str = "own") -> None:
        """Give the daemon these rights in the whole cluster."""
        role = {"metadata": {"name": name}, "rules": list(granted)}
        self._store.create(f"{RBAC}/clusterroles", None, role, manager="m")
        binding = {
            "metadata": {"name": name},
            "subjects": [{"kind": "User", "name": "remedyd"}],
            "roleRef": {"kind": "ClusterRole", "name": name},
        }
        self._store.create(f"{RBAC}/clusterrolebindings", None, binding, manager="m")

    def entitlements(self, **options: Any) -> Entitlements:
        """Return what a daemon with the shipped policies remembers."""
        return Entitlements(self, lambda: POLICIES, self.metrics, self.clock, **options)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Asked]:
    """Serve a cluster where the daemon has no right yet."""
    store = ObjectStore(ManualClock(NOW), Random(1))
    with LabApiServer(store, tokens={"t": DAEMON}, authorizer=RoleBased(store)) as server:
        path = tmp_path / "kubeconfig"
        path.write_text(server.kubeconfig("t"))
        client = Cluster.connect(kubeconfig=path)
        yield Asked(store, client)
        client.close()


def _without(resource: str, verb: str) -> list[KubeObject]:
    return [
        {**rule, "verbs": [v for v in rule["verbs"] if v != verb]}
        if rule["resources"] == [resource]
        else rule
        for rule in NEEDED
    ]


def test_with_all_rights_everything_may_be_done(cluster: Asked) -> None:
    """The roles that are rendered leave nothing to say."""
    cluster.grant(NEEDED)
    held = cluster.entitlements()
    held.start()
    held.check("UpdateResources", "Deployment", "shop")
    assert held.notices() == []


def test_a_missing_right_disables_what_needs_it(cluster: Asked) -> None:
    """Without the right to change StatefulSets, Deployments can still be changed."""
    cluster.grant(_without("statefulsets", "patch"))
    held = cluster.entitlements()
    held.start()
    held.check("UpdateResources", "Deployment", "shop")
    with pytest.raises(Refused) as refused:
        held.check("UpdateResources", "StatefulSet", "shop")
    assert refused.value.reason == "RightsMissing"
    assert "may not patch statefulsets.apps in the cluster" in refused.value.message
    assert "remedyd rbac render" in refused.value.hint


def test_missing_rights_are_shown(cluster: Asked) -> None:
    """Notice and gauge tell what is disabled and which right would enable it."""
    cluster.grant(_without("statefulsets", "patch"))
    held = cluster.entitlements()
    held.start()
    (notice,) = held.notices()
    assert "disabled:" in notice
    assert "patch statefulsets.apps" in notice
    labels = {"finding": "missing"}
    assert cluster.metrics.registry.get_sample_value("remedyd_rights", labels) == 1


def test_nothing_is_done_before_the_rights_are_known(cluster: Asked) -> None:
    """An API server that has not answered yet has not allowed anything."""
    with pytest.raises(Refused) as refused:
        cluster.entitlements().check("Restart", "Deployment", "shop")
    assert refused.value.reason == "RightsUnknown"


def test_an_unreachable_api_server_does_not_stop_the_start(tmp_path: Path) -> None:
    """The daemon starts, does nothing, and asks again."""
    path = tmp_path / "kubeconfig"
    store = ObjectStore(ManualClock(NOW), Random(1))
    with LabApiServer(store) as server:
        path.write_text(server.kubeconfig())
    client = Cluster.connect(kubeconfig=path, timeout_seconds=0.2)
    held = Asked(store, client).entitlements()
    held.start()
    with pytest.raises(Refused):
        held.check("Restart", "Deployment", "shop")
    assert held.notices() == ["rights: not reviewed yet, nothing is proposed"]
    client.close()


def test_rights_held_without_need_are_shown(cluster: Asked) -> None:
    """Whoever may read Secrets without need is told so, and goes on."""
    spare = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    cluster.grant([*NEEDED, spare])
    held = cluster.entitlements()
    held.start()
    held.refresh()
    assert held.notices() == ["rights: held and not needed: get secrets in the cluster"]
    held.check("Restart", "Deployment", "shop")


def test_the_start_asks_only_for_what_is_needed(cluster: Asked) -> None:
    """Whatever else the daemon may do is asked at the first turn, when it is ready already."""
    cluster.grant(NEEDED)
    held = cluster.entitlements()
    held.start()
    first = cluster.questions
    held.refresh()
    assert first == sum(len(rule["verbs"]) for rule in NEEDED)
    assert cluster.questions > 3 * first


def test_too_many_rights_stop_the_start(cluster: Asked) -> None:
    """Above the limit that is set, the daemon does not begin."""
    cluster.grant([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}])
    with pytest.raises(ConfigurationError, match="rights that it does not need, 3 are allowed"):
        cluster.entitlements(most_excess=3).start()


def test_rights_that_become_too_many_stop_all_actions(cluster: Asked) -> None:
    """What would have stopped the start stops every proposal later."""
    cluster.grant(NEEDED)
    held = cluster.entitlements(most_excess=0)
    held.start()
    cluster.grant([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}], "more")
    held.review()
    with pytest.raises(Refused) as refused:
        held.check("Restart", "Deployment", "shop")
    assert refused.value.reason == "ExcessRights"


def test_what_people_request_is_no_excess(cluster: Asked) -> None:
    """Rights for actions that are requested, not decided, are needed as well."""
    asked = [Use("DeletePod")]
    cluster.grant(rules(rights([*uses(POLICIES.values()), *asked]).everywhere))
    held = cluster.entitlements(requested=asked, most_excess=0)
    held.start()
    assert held.notices() == []


def test_a_right_given_later_is_found(cluster: Asked) -> None:
    """After ten minutes, or when the policies change, the answers are asked for again."""
    held = cluster.entitlements()
    held.start()
    held.refresh()
    cluster.grant(NEEDED)
    asked = cluster.questions
    held.refresh()
    assert cluster.questions == asked
    cluster.clock.advance(timedelta(minutes=10))
    held.refresh()
    held.check("Restart", "Deployment", "shop")
    asked = cluster.questions
    held.outdated()
    held.refresh()
    assert cluster.questions > asked
