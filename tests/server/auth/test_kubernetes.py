"""A ServiceAccount's token opens the door if the API server vouches for it and a right is given."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from remedyd.cluster.access import Reviewer
from remedyd.errors import (
    ClusterError,
    ConfigurationError,
    Forbidden,
    IdentityUnavailable,
    Throttled,
    Unauthenticated,
)
from remedyd.model import Scope
from remedyd.server.auth import Authenticator
from remedyd.server.callers import authenticator
from remedyd.server.kubernetes_tokens import VERBS
from remedyd.settings import ServerSettings
from support.identities import RBAC
from support.labserver import Lab, lab

ACCOUNT = "system:serviceaccount:shop:bot"
GRANTS = "grants: [{from: kubernetes, serviceAccount: shop/bot, scopes: [proposer]}]"
API = "rbac.authorization.k8s.io"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Lab]:
    """Run an API server with a ServiceAccount."""
    with lab(tmp_path) as found:
        yield _furnished(found)


@pytest.fixture
def rbac(tmp_path: Path) -> Iterator[Lab]:
    """Run one that goes by roles when it is asked about the account."""
    with lab(tmp_path, roles=True) as found:
        yield _furnished(found)


def _furnished(found: Lab) -> Lab:
    for name in ("shop", "ops"):
        found.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    accounts = "/api/v1/namespaces/shop/serviceaccounts"
    found.send("POST", accounts, {"metadata": {"name": "bot"}})
    return found


def token(cluster: Lab, audiences: Sequence[str] = ("remedyd",)) -> str:
    """Return a token as `kubectl create token` fetches it."""
    path = "/api/v1/namespaces/shop/serviceaccounts/bot/token"
    made = cluster.send("POST", path, {"spec": {"audiences": list(audiences)}})
    return str(made["status"]["token"])


def known(cluster: Lab, grants: str = GRANTS, **settings: Any) -> Authenticator:
    """Return the authenticator of a daemon in that cluster."""
    found = ServerSettings(
        tokens=SecretStr(grants) if grants else None,
        kubernetes_tokens={"enabled": True, **settings},
    )
    return authenticator(found, cluster.clock, lambda: cluster.cluster)


def allow(cluster: Lab, verbs: Sequence[str], namespace: str = "") -> None:
    """Give the account verbs on our proposals, everywhere or in one namespace."""
    role, kind = ("Role", "roles") if namespace else ("ClusterRole", "clusterroles")
    base = f"{RBAC}/namespaces/{namespace}" if namespace else RBAC
    name = f"proposals-{namespace or 'all'}"
    rule = {"apiGroups": ["remedyd.io"], "resources": ["proposals"], "verbs": list(verbs)}
    cluster.send("POST", f"{base}/{kind}", {"metadata": {"name": name}, "rules": [rule]})
    binding = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": API, "kind": role, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": "bot", "namespace": "shop"}],
    }
    cluster.send("POST", f"{base}/{role.lower()}bindings", binding)


def test_a_granted_account_is_let_in(cluster: Lab) -> None:
    """The account is known under the name that Kubernetes gives it."""
    found = known(cluster).authenticate(token(cluster))
    assert found.name == ACCOUNT
    assert found.scopes == {Scope.PROPOSER}


def test_a_token_for_another_audience_opens_nothing(cluster: Lab) -> None:
    """A token that was made for the API server, or for somebody else, is refused."""
    for audiences in ((), ("vault",)):
        with pytest.raises(Unauthenticated, match="another audience"):
            known(cluster).authenticate(token(cluster, audiences))


def test_an_account_without_a_grant_is_forbidden(cluster: Lab) -> None:
    """Being known to the cluster is not yet a right."""
    other = "grants: [{from: kubernetes, serviceAccount: ops/bot, scopes: [admin]}]"
    with pytest.raises(Forbidden, match="has no right here"):
        known(cluster, other).authenticate(token(cluster))


def test_a_text_that_is_no_token_is_not_sent_anywhere(cluster: Lab) -> None:
    """Only what looks like a signed token is worth a question."""
    service = known(cluster)
    for text in ("a" * 40, "a.b.c", "e30.e30.x", "." * 5, "é" * 40):
        with pytest.raises(Unauthenticated):
            service.authenticate(text)
    assert not _questions(cluster)


def test_an_answer_is_remembered_for_a_minute(cluster: Lab) -> None:
    """A busy caller costs one question, a withdrawn token is felt after a minute."""
    service, held = known(cluster), token(cluster)
    for _ in range(3):
        service.authenticate(held)
    assert len(_questions(cluster)) == 1
    cluster.clock.advance(timedelta(seconds=61))
    service.authenticate(held)
    assert len(_questions(cluster)) == 2


def test_a_changed_file_counts_at_once(cluster: Lab, tmp_path: Path) -> None:
    """Other grants have what was remembered asked anew; the same ones change nothing."""
    file = tmp_path / "grants.yaml"
    file.write_text(GRANTS)
    settings = ServerSettings(tokens_file=file, kubernetes_tokens={"enabled": True})
    service = authenticator(settings, cluster.clock, lambda: cluster.cluster)
    held = token(cluster)
    for _ in range(2):
        service.reload()
        assert service.authenticate(held).may(Scope.PROPOSER)
    assert len(_questions(cluster)) == 1
    file.write_text(GRANTS.replace("proposer", "viewer"))
    service.reload()
    assert not service.authenticate(held).may(Scope.PROPOSER)
    assert len(_questions(cluster)) == 2


def test_an_answer_to_the_grants_of_before_is_not_remembered(cluster: Lab, tmp_path: Path) -> None:
    """One that was under way while they changed is good for its own request only."""
    file = tmp_path / "grants.yaml"
    file.write_text(GRANTS)
    settings = ServerSettings(tokens_file=file, kubernetes_tokens={"enabled": True})
    changing = [GRANTS.replace("proposer", "viewer")]

    def asked() -> Reviewer:
        while changing:
            file.write_text(changing.pop())
            service.reload()
        return cluster.cluster

    service = authenticator(settings, cluster.clock, asked)
    held = token(cluster)
    service.authenticate(held)
    service.authenticate(held)
    assert len(_questions(cluster)) == 2


def test_a_slow_api_server_does_not_hold_every_thread(cluster: Lab) -> None:
    """Only so many tokens are looked up at a time; one more is turned away soon."""
    answering, asked = threading.Event(), threading.Semaphore(0)

    def slow() -> Reviewer:
        asked.release()
        answering.wait(30)
        return cluster.cluster

    settings = ServerSettings(tokens=SecretStr(GRANTS), kubernetes_tokens={"enabled": True})
    service = authenticator(settings, cluster.clock, slow)
    head, claims, mac = token(cluster).split(".")
    with ThreadPoolExecutor(8) as pool:
        for n in range(8):
            pool.submit(service.authenticate, f"{head}.{claims}.{n}")
            assert asked.acquire(timeout=10)
        with pytest.raises(IdentityUnavailable, match="being looked up"):
            service.authenticate(f"{head}.{claims}.{mac}")
        answering.set()
    assert service.authenticate(f"{head}.{claims}.{mac}").name == ACCOUNT


def test_made_up_tokens_cannot_flood_the_api_server(cluster: Lab) -> None:
    """Beyond a rate nobody is asked any more, while known callers go on."""
    service, held = known(cluster), token(cluster)
    service.authenticate(held, "10.0.0.9")
    head, claims, _ = held.split(".")
    with pytest.raises(Throttled):
        for n in range(1000):
            with pytest.raises(Unauthenticated) as refused:
                service.authenticate(f"{head}.{claims}.{n}", "10.0.0.9")
            if isinstance(refused.value, Throttled) and "looked up" in refused.value.message:
                raise refused.value
    assert len(_questions(cluster)) < 400
    assert service.authenticate(held, "10.0.0.9").name == ACCOUNT


def test_without_an_answer_nobody_is_let_in(cluster: Lab) -> None:
    """An API server that cannot be reached is neither a yes nor a no."""
    service, held = known(cluster), token(cluster)
    cluster.server.stop()
    with pytest.raises(ClusterError):
        service.authenticate(held)


@pytest.mark.parametrize(("scope", "verb"), VERBS.items())
def test_rbac_gives_scopes_by_verbs(rbac: Lab, scope: Scope, verb: str) -> None:
    """Each scope is a verb on the proposals of remedyd.io."""
    allow(rbac, [verb])
    found = known(rbac, "", scopes_from="rbac").authenticate(token(rbac))
    assert found.scopes == {scope}


def test_rbac_in_one_namespace_counts_there_only(rbac: Lab) -> None:
    """A Role gives its scope in its namespace; a ClusterRole gives its own everywhere."""
    allow(rbac, ["get"])
    allow(rbac, ["approve"], "shop")
    service = known(rbac, "", scopes_from="rbac", namespaces=["shop", "ops"])
    found = service.authenticate(token(rbac))
    assert found.may(Scope.APPROVER, "shop")
    assert not found.may(Scope.APPROVER, "ops")
    assert found.may(Scope.VIEWER, "ops")


def test_rbac_without_a_verb_is_forbidden(rbac: Lab) -> None:
    """Who holds no verb on our proposals is told which one lets it read."""
    with pytest.raises(Forbidden) as refused:
        known(rbac, "", scopes_from="rbac").authenticate(token(rbac))
    assert "verb get on proposals.remedyd.io" in refused.value.hint


def test_accepting_tokens_without_grants_is_refused(cluster: Lab) -> None:
    """A daemon whose callers could do nothing does not start."""
    with pytest.raises(ConfigurationError, match="no grant says"):
        known(cluster, "")


def _questions(cluster: Lab) -> list[Any]:
    return [one for one in cluster.server.requests if one.path.endswith("/tokenreviews")]
