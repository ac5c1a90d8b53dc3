"""Bodies in protobuf, as kubectl sends them."""

from typing import Any

import pytest

from remedyd.lab.apiserver import protobuf
from support.apiserver import running


def varint(value: int) -> bytes:
    """Write a varint."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: bytes | int | str) -> bytes:
    """Write one field."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    """Write a Kubernetes protobuf body."""
    head = field(1, api_version) + field(2, kind)
    return b"k8s\x00" + field(1, head) + field(2, raw)


def test_access_review_is_read() -> None:
    """`auth can-i` asks in protobuf and gets its answer."""
    attributes = field(1, "shop") + field(2, "patch") + field(3, "apps") + field(5, "deployments")
    group = "authorization.k8s.io/v1"
    body = envelope(group, "SelfSubjectAccessReview", field(2, field(1, attributes)))
    with running() as (_, client):
        path = f"/apis/{group}/selfsubjectaccessreviews"
        answer = client("POST", path, body, type_=protobuf.MEDIA).body
    assert answer["status"] == {"allowed": True}
    assert answer["spec"]["resourceAttributes"]["resource"] == "deployments"


def deployment_bytes() -> bytes:
    """Return a Deployment with labels, replicas, quantities, a probe and a volume."""
    label = field(11, field(1, "app") + field(2, "web"))
    limits = field(1, field(1, "memory") + field(2, field(1, "128Mi")))
    port = field(1, field(0 + 1, 0) + field(2, 8080))
    probe = field(1, field(2, field(1, "/healthz") + field(2, port[2:]))) + field(4, 5)
    container = field(1, "app") + field(2, "x:1") + field(8, limits) + field(11, probe)
    volume = field(1, "tmp") + field(2, field(2, b""))
    template = field(1, label) + field(2, field(1, volume) + field(2, container))
    selector = field(1, field(1, "app") + field(2, "web"))
    spec = field(1, 3) + field(2, selector) + field(3, template) + field(7, 1)
    return envelope("apps/v1", "Deployment", field(1, field(1, "web")) + field(2, spec))


def test_deployment_is_read() -> None:
    """Maps, quantities, embedded structs, booleans and ports are read as JSON has them."""
    obj: dict[str, Any] = protobuf.loads(deployment_bytes())
    spec = obj["spec"]
    pod = spec["template"]["spec"]
    assert (spec["replicas"], spec["paused"]) == (3, True)
    assert spec["template"]["metadata"]["labels"] == {"app": "web"}
    assert pod["containers"][0]["resources"] == {"limits": {"memory": "128Mi"}}
    assert pod["containers"][0]["readinessProbe"] == {
        "httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 5
    }  # fmt: skip
    assert pod["volumes"] == [{"name": "tmp", "emptyDir": {}}]


@pytest.mark.parametrize("body", [b"", b"{}", b"k8s\x00\x0a", envelope("x/v1", "Nope", b"")])
def test_other_bytes_are_refused(body: bytes) -> None:
    """What is no protobuf of a known kind is a 400, not a crash."""
    with running() as (_, client):
        path = "/api/v1/namespaces/shop/configmaps"
        assert client("POST", path, body, type_=protobuf.MEDIA).status == 400
