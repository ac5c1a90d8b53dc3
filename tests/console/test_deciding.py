"""Decisions on a page are the service's: same scopes, same digest, same refusals, same trail."""

from typing import Any

import pytest

from support.console import Element, Visitor, buttons
from support.running import Running
from support.ways import proposed, reached


def _path(made: dict[str, Any]) -> str:
    return f"/console/proposals/{made['id']}"


def _seated(visitor: Visitor, role: str) -> Visitor:
    assert visitor.sign_in(role).status_code == 303
    return visitor


def _decided(visitor: Visitor, made: dict[str, Any], button: str, **fields: str) -> Element:
    answer = visitor.press(visitor.page(_path(made)), button, **fields)
    assert answer.status_code == 303, answer.text
    return visitor.page(answer.headers["location"])


def test_approving_names_the_digest_that_was_read(running: Running, approver: Visitor) -> None:
    """The change is applied, and the history holds who, why and which digest."""
    made = proposed(running)
    page = _decided(approver, made, "Approve", reason="seen with the team")
    assert "Approved" in page.all(role="status")[0].text
    done = reached(running.client("viewer"), made["id"], "Effective")
    assert done["approval"]["principal"] == "approver"
    assert done["approval"]["comment"] == "seen with the team"
    assert done["approval"]["digest"] == made["digest"]


def test_another_digest_is_refused_in_words(running: Running, approver: Visitor) -> None:
    """Who read something else is told so, above the proposal as it is now."""
    made = proposed(running)
    page = approver.page(_path(made))
    answer = approver.press(page, "Approve", digest="0" * 64)
    assert answer.status_code == 409
    assert "digest" in answer.text
    assert running.client("viewer").get(f"/v1/proposals/{made['id']}").json()["state"] == "Proposed"


def test_rejecting_keeps_the_reason(running: Running, visitor: Visitor) -> None:
    """A proposer may reject, and its page has no other button."""
    made = proposed(running)
    proposer = _seated(visitor, "proposer")
    assert buttons(proposer.page(_path(made))) == {"Reject"}
    page = _decided(proposer, made, "Reject", reason="not during the sale")
    assert "not during the sale" in page.one("main").text
    assert buttons(page) == set()


def test_a_viewer_sees_everything_and_no_button(running: Running, visitor: Visitor) -> None:
    """Diff, digest and checks are there; approving is not."""
    made = proposed(running)
    page = _seated(visitor, "viewer").page(_path(made))
    assert buttons(page) == set()
    assert made["digest"] in page.one("main").text


@pytest.mark.parametrize("operation", ["approve", "reject", "rollback"])
def test_a_viewer_who_sends_the_form_all_the_same_is_refused(
    running: Running, visitor: Visitor, operation: str
) -> None:
    """Its own session, its own token, the right digest: 403, and the attempt is kept."""
    made = proposed(running)
    viewer = _seated(visitor, "viewer")
    csrf = viewer.page("/console").one("header").one("input", name="csrf")["value"]
    fields = {"csrf": csrf, "digest": made["digest"]}
    assert viewer.post(f"{_path(made)}/{operation}", fields).status_code == 403
    found = running.client("viewer").get(f"/v1/refusals?proposal={made['id']}").json()["items"]
    assert [(f["principal"], f["operation"], f["outcome"]) for f in found] == [
        ("viewer", operation, "Forbidden")
    ]
    page = viewer.page(_path(made))
    assert "Refused attempts" in page.one("main").text


def test_rolling_back_takes_the_change_away(running: Running, approver: Visitor) -> None:
    """An applied change has one button, and its reason is kept."""
    made = proposed(running)
    _decided(approver, made, "Approve")
    reached(running.client("viewer"), made["id"], "Effective")
    assert buttons(approver.page(_path(made))) == {"Roll back"}
    _decided(approver, made, "Roll back", reason="latency went up")
    done = reached(running.client("viewer"), made["id"], "RolledBack")
    events = running.client("viewer").get(f"/v1/proposals/{done['id']}/events").json()
    assert ("rollback", "latency went up") in {(e["action"], e["detail"]) for e in events}


def test_another_namespace_sees_nothing(running: Running, visitor: Visitor) -> None:
    """The proposal is not there, neither in lists nor by its address."""
    made = proposed(running)
    elsewhere = _seated(visitor, "elsewhere")
    elsewhere.page(_path(made), 404)
    for path in ("/console", "/console/history"):
        assert made["id"] not in elsewhere.get(path).text


def test_pausing_and_resuming_by_hand(running: Running, approver: Visitor) -> None:
    """Every page says that writes are paused, by whom and why."""
    answer = approver.press(
        approver.page("/console/controls"), "Pause all writes", reason="looking into last night"
    )
    assert answer.status_code == 303
    try:
        told = approver.page("/console/history").one(role="region", aria_label="Paused").text
        assert "looking into last night" in told
        assert "approver" in told
    finally:
        page = approver.page("/console/controls")
        assert approver.press(page, "Resume writes").status_code == 303
    assert running.client("viewer").get("/v1/pause").json()["paused"] is False


def test_who_may_act_in_some_namespaces_only_cannot_pause(visitor: Visitor) -> None:
    """There is no button, and a form that comes all the same is refused."""
    elsewhere = _seated(visitor, "elsewhere")
    page = elsewhere.page("/console/controls")
    assert buttons(page) == set()
    csrf = page.one("header").one("input", name="csrf")["value"]
    assert elsewhere.post("/console/pause", {"csrf": csrf}).status_code == 403


def test_running_an_audit_shows_what_this_run_saw(running: Running, visitor: Visitor) -> None:
    """A proposer runs it, a viewer has no button."""
    proposer = _seated(visitor, "proposer")
    page = proposer.page("/console/audits/container-memory")
    answer = proposer.press(page, "Run now")
    assert answer.status_code == 200
    assert "Run by hand" in answer.text
    with Visitor(running.url) as other:
        viewer = _seated(other, "viewer")
        assert "Run now" not in buttons(viewer.page("/console/audits/container-memory"))


def test_no_page_is_kept_for_a_repeated_request(running: Running, approver: Visitor) -> None:
    """An Idempotency-Key means nothing here: pages hold the session's own token."""
    page = approver.page("/console/audits/container-memory")
    fields = {"csrf": page.one("header").one("input", name="csrf")["value"]}
    for _ in range(2):
        answer = approver.post("/console/audits/none/run", fields, Idempotency_Key="again")
        assert answer.status_code == 404
        assert "idempotency-replayed" not in answer.headers
