"""Where objects live in the API, and what cannot be the name of one."""

import pytest

from remedyd.cluster.kinds import kind_of
from remedyd.errors import NotFound


@pytest.mark.parametrize(
    ("kind", "place", "path"),
    [
        ("Deployment", ("shop", "web"), "/apis/apps/v1/namespaces/shop/deployments/web"),
        ("Deployment", ("a", "web", "scale"), "/apis/apps/v1/namespaces/a/deployments/web/scale"),
        ("Node", ("", "worker-1.example.com"), "/api/v1/nodes/worker-1.example.com"),
        ("Deployment", ("shop",), "/apis/apps/v1/namespaces/shop/deployments"),
    ],
)
def test_the_path_of_an_object(kind: str, place: tuple[str, ...], path: str) -> None:
    """Group, namespace, plural, name and subresource."""
    assert kind_of(kind).path(*place) == path


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "web/scale",
        "web?dryRun=All",
        "web#x",
        "web%2fscale",
        "../../../api/v1/namespaces/kube-system/secrets/token",
        "web\r\nX-Remote-User: admin",
        "wéb",
        "web ",
    ],
)
def test_what_telemetry_calls_an_object_makes_no_other_request(name: str) -> None:
    """Neither as a name nor as a namespace."""
    deployment = kind_of("Deployment")
    with pytest.raises(NotFound, match="cannot be the name of anything in Kubernetes"):
        deployment.path("shop", name)
    with pytest.raises(NotFound, match="cannot be the name of anything in Kubernetes"):
        deployment.path(name, "web")
