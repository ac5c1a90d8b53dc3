"""A running daemon takes up a rotated Secret, tells what it does not, and keeps it secret."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from remedyd.lab.elasticsearch.security import ANYONE, Security
from remedyd.lab.world import Lab
from remedyd.observability import concealing, logs
from support.configmap import Mounted
from support.loglines import logged
from support.running import Running
from support.ways import lab

__all__ = ["lab"]


@pytest.fixture
def security(lab: Lab) -> Iterator[Security]:
    """Give the lab's Elasticsearch accounts; the lab's own documents come in past it."""
    endpoint = lab.elasticsearch.endpoint
    before, endpoint.security = endpoint.security, Security()
    yield endpoint.security
    endpoint.security = before


@pytest.fixture
def secret(tmp_path: Path, security: Security) -> Mounted:
    """Mount a Secret with a key that Elasticsearch knows."""
    return Mounted(tmp_path / "secret", {"api-key": security.add_key("old", "s3cret", ANYONE)})


@pytest.fixture
def daemon(lab: Lab, tmp_path: Path, secret: Mounted) -> Iterator[Running]:
    """Run a daemon that has its key from there."""
    link = {"api_key_file": secret.folder / "api-key"}
    with Running(lab, tmp_path, elasticsearch=link, trail={"elasticsearch": False}) as found:
        yield found


def test_a_rotated_key_is_taken_up_and_a_wrong_one_is_told_of(
    daemon: Running, secret: Mounted, security: Security
) -> None:
    """Notice, metric and log name the part; no line has the key, not even a wrong one."""
    viewer = daemon.client("viewer")
    valid = 'remedyd_credentials_valid{part="elasticsearch"}'
    old = (secret.folder / "api-key").read_text()
    with logged("DEBUG", concealing.held(daemon.settings)) as out:
        wrong = base64.b64encode(b"typing:error-in-it").decode()
        secret.publish({"api-key": wrong})
        answer = viewer.get("/readyz").json()
        assert answer["reasons"] == []
        [notice] = [text for text in answer["notices"] if text.startswith("elasticsearch: ")]
        assert "the ones before stay" in notice
        assert "does not accept the credentials" in notice
        assert f"{valid} 0.0" in viewer.get("/metrics").text
        new = security.add_key("new", "s3cret", ANYONE)
        secret.publish({"api-key": new})
        security.revoke(old)
        answer = viewer.get("/readyz").json()
        assert (answer["reasons"], [n for n in answer["notices"] if "elasticsearch" in n]) == (
            [],
            [],
        )
        assert f"{valid} 1.0" in viewer.get("/metrics").text
        logs.get("test").info(f"a library quotes {wrong} and {new}")
    said = out.getvalue()
    assert "on disk are in force" in said
    assert "a library quotes REDACTED and REDACTED" in said
    assert wrong not in said
    assert new not in said
