"""An approver takes an applied change back by hand."""

from remedyd.lab.world import Lab
from support.running import Running
from support.ways import an_app, proposed, reached


def _replicas(lab: Lab, name: str) -> int:
    found: int = lab.simulation.store.get("apps/v1/deployments", "shop", name)["spec"]["replicas"]
    return found


def test_an_applied_change_is_taken_back(running: Running, lab: Lab) -> None:
    """The old value is written again, and the history says by whom and why."""
    name, approver = an_app(), running.client("approver")
    made = proposed(running, name)
    path = f"/v1/proposals/{made['id']}"
    approver.post(f"{path}/approve", json={"digest": made["digest"]})
    reached(approver, made["id"], "Effective")
    answer = approver.post(f"{path}/rollback", json={"reason": "not needed after all"})
    assert answer.status_code == 200, answer.text
    reached(approver, made["id"], "RolledBack")
    assert _replicas(lab, name) == 1
    (event,) = [e for e in approver.get(f"{path}/events").json() if e["action"] == "rollback"]
    assert (event["principal"], event["detail"]) == ("approver", "not needed after all")
    again = approver.post(f"{path}/rollback")
    assert (again.status_code, again.json()["state"]) == (200, "RolledBack")


def test_what_was_not_applied_cannot_be_taken_back(running: Running) -> None:
    """A proposal that nobody approved has nothing to roll back."""
    made = proposed(running)
    answer = running.client("approver").post(f"/v1/proposals/{made['id']}/rollback")
    assert answer.status_code == 409
    assert "nothing of it is there" in answer.json()["detail"]


def test_a_proposer_takes_nothing_back(running: Running) -> None:
    """Rolling back is a write: it needs the approver's scope."""
    made = proposed(running)
    answer = running.client("proposer").post(f"/v1/proposals/{made['id']}/rollback")
    assert answer.status_code == 403
