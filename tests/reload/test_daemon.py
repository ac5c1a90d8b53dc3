"""A running daemon shows and uses what was reloaded."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from remedyd.lab.world import Lab
from remedyd.paths import shipped
from remedyd.proposals.outbox import Channel
from remedyd.proposals.store import Store
from support.running import Running


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """Return a folder with a shipped policy."""
    folder = tmp_path / "policies"
    folder.mkdir()
    shutil.copy(shipped("policies") / "replica-gap.yaml", folder)
    return folder


@pytest.fixture
def daemon(lab: Lab, tmp_path: Path, policies: Path) -> Iterator[Running]:
    """Run a daemon on the lab with that policy."""
    nowhere = {"url": "http://127.0.0.1:9"}  # so that what is told of waits in the outbox
    with Running(lab, tmp_path, policies=(policies,), trail=nowhere) as found:
        yield found


def test_the_api_follows_a_reload_and_tells_of_a_bad_file(daemon: Running, policies: Path) -> None:
    """Mode and notice are seen by whoever asks, and both stand in the audit trail."""
    viewer, path = daemon.client("viewer"), policies / "replica-gap.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("mode: Propose", "mode: DryRun"), encoding="utf-8")
    daemon.app.reload()  # unless a cycle has looked already, before what it would propose
    assert viewer.get("/v1/policies/replica-gap").json()["mode"] == "DryRun"
    path.write_text(text.replace("mode: Propose", "mode: Automatic"), encoding="utf-8")
    assert not daemon.app.reload()
    assert viewer.get("/v1/policies/replica-gap").json()["mode"] == "DryRun"
    notices = viewer.get("/readyz").json()["notices"]
    assert any("replica-gap.yaml:" in notice for notice in notices)
    store = Store(daemon.settings.database, daemon.app.clock)
    told = [one.body["event"] for one in store.outbox.due(Channel.ELASTICSEARCH, 1_000)]
    store.close()
    ours = [one for one in told if one["action"].startswith("configuration")]
    assert [one["action"] for one in ours] == ["configuration-loaded", "configuration-refused"]
    assert "replica-gap.yaml:" in ours[-1]["reason"]
