"""Real clients against the simulated server: kubectl and the official Python client."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client as k8s
from kubernetes import config, dynamic, watch

from remedyd.lab.apiserver.server import LabApiServer
from support.apiserver import DEPLOYMENTS, Client, deployment, running

KUBECTL = shutil.which("kubectl")


@pytest.fixture
def server() -> Iterator[LabApiServer]:
    """A server with one Deployment."""
    with running() as (found, client):
        client("POST", DEPLOYMENTS, deployment(), fieldManager="owner")
        yield found


def api_client(server: LabApiServer) -> Any:
    """Return the official client for a server."""
    settings = k8s.Configuration()
    config.load_kube_config_from_dict(
        json.loads(server.kubeconfig()), client_configuration=settings
    )
    return k8s.ApiClient(settings)


def test_dynamic_client_reads_and_patches(server: LabApiServer) -> None:
    """The DynamicClient finds resources by discovery, patches and dry-runs."""
    found = dynamic.DynamicClient(api_client(server)).resources.get(
        api_version="apps/v1", kind="Deployment"
    )
    options = {"content_type": "application/strategic-merge-patch+json", "dry_run": "All"}
    change = {"spec": {"replicas": 5}}
    shown = found.patch(name="web", namespace="shop", body=change, **options)
    stored = found.get(name="web", namespace="shop")
    assert (shown.spec.replicas, stored.spec.replicas) == (5, 2)


def test_typed_client_scales_and_watches(server: LabApiServer) -> None:
    """The generated client scales through /scale and follows a watch."""
    apps = k8s.AppsV1Api(api_client(server))
    apps.patch_namespaced_deployment_scale("web", "shop", {"spec": {"replicas": 3}})
    events = watch.Watch().stream(apps.list_namespaced_deployment, "shop", timeout_seconds=1)
    first = next(iter(events))
    assert (first["type"], first["object"].spec.replicas) == ("ADDED", 3)


def test_typed_client_sees_the_reason_of_a_refusal(server: LabApiServer) -> None:
    """An error is an ApiException with the Status as body."""
    apps = k8s.AppsV1Api(api_client(server))
    with pytest.raises(k8s.exceptions.ApiException) as caught:
        apps.read_namespaced_deployment("missing", "shop")
    assert json.loads(caught.value.body)["reason"] == "NotFound"


def kubectl(server: LabApiServer, home: Path, *words: str) -> str:
    """Run kubectl against a server and return what it prints."""
    config_file = home / "kubeconfig"
    config_file.write_text(server.kubeconfig())
    environment = {"KUBECONFIG": str(config_file), "HOME": str(home), "PATH": "/usr/bin:/bin"}
    assert KUBECTL is not None
    done = subprocess.run(
        [KUBECTL, "-n", "shop", *words],
        capture_output=True, text=True, timeout=30, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


COMMANDS = [
    (("get", "deployments", "-o", "wide"), "web    0/2"),
    (("get", "deploy", "web", "--subresource=scale"), "web    2"),
    (("describe", "deploy", "web"), "RollingUpdateStrategy:  25% max unavailable"),
    (("scale", "deploy/web", "--replicas=3"), "deployment.apps/web scaled"),
    (("set", "resources", "deploy/web", "--limits=memory=256Mi"), "requirements updated"),
    (("set", "image", "deploy/web", "app=x:2"), "image updated"),
    (("patch", "deploy", "web", "-p", '{"spec":{"replicas":9}}', "--dry-run=server"), "patched"),
    (("rollout", "restart", "deploy/web"), "restarted"),
    (("rollout", "history", "deploy/web"), "deployment.apps/web"),
    (("auth", "can-i", "patch", "deployments"), "yes"),
    (("create", "deployment", "new", "--image=x:1"), "deployment.apps/new created"),
    (("label", "deploy", "web", "tier=front"), "labeled"),
    (("delete", "deploy", "web"), "deleted"),
    (("api-resources", "--api-group=apps"), "deployments"),
]


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")
@pytest.mark.parametrize(("words", "shown"), COMMANDS, ids=lambda value: str(value)[:40])
def test_kubectl(server: LabApiServer, tmp_path: Path, words: tuple[str, ...], shown: str) -> None:
    """kubectl's everyday commands work."""
    assert shown in kubectl(server, tmp_path, *words)


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")
def test_kubectl_applies(server: LabApiServer, tmp_path: Path) -> None:
    """`apply` creates, then changes only what differs, then says that nothing does."""
    manifest = tmp_path / "web.json"
    said = []
    for replicas in (1, 4, 4):
        manifest.write_text(json.dumps(deployment("applied", replicas=replicas)))
        said.append(kubectl(server, tmp_path, "apply", "-f", str(manifest)).split()[-1])
    client = Client(server)
    stored = client("GET", f"{DEPLOYMENTS}/applied").body
    client.close()
    assert (said, stored["spec"]["replicas"]) == (["created", "configured", "unchanged"], 4)
