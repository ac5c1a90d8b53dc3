"""What is known can be read: lists, pages, workloads, audits, policies, the trail."""

from datetime import UTC, datetime

import pytest

from support.running import Running
from support.ways import an_app, proposed


def test_pages_follow_each_other(running: Running) -> None:
    """Each proposal is on one page, newest first."""
    made = [proposed(running)["id"] for _ in range(3)]
    viewer = running.client("viewer")
    seen: list[str] = []
    cursor = ""
    while len(seen) < 3:
        page = viewer.get(f"/v1/proposals?source=request&limit=2&cursor={cursor}").json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
    assert seen[:3] == made[::-1]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("state=Proposed", True),
        ("state=Rejected", False),
        ("open=true", True),
        ("open=false", False),
        ("namespace=shop", True),
        ("namespace=another", False),
        ("source=audit", False),
        ("policy=oom-raise-memory", False),
        ("since=2020-01-01T00:00:00Z", True),
        ("until=2020-01-01T00:00:00Z", False),
    ],
)
def test_filters_hold(running: Running, query: str, shown: bool) -> None:
    """A proposal is listed only when every condition is met."""
    made = proposed(running)
    page = running.client("viewer").get(f"/v1/proposals?{query}&limit=200").json()
    assert (made["id"] in [item["id"] for item in page["items"]]) is shown


def test_a_workload_shows_its_state_and_history(running: Running) -> None:
    """How it stands now, its open proposal, and those before."""
    name = an_app()
    first = proposed(running, name)
    running.client("proposer").post(f"/v1/proposals/{first['id']}/reject")
    second = proposed(running, name)
    shown = running.client("viewer").get(f"/v1/workloads/shop/Deployment/{name}").json()
    assert shown["status"].endswith("1/1 pods ready.")
    assert shown["open"] == second["id"]
    assert [item["id"] for item in shown["history"]] == [second["id"], first["id"]]
    assert shown["target"]["uid"]


def test_an_unknown_workload_is_not_found(running: Running) -> None:
    """The answer names what is missing."""
    answer = running.client("viewer").get("/v1/workloads/shop/Deployment/no-such")
    assert answer.status_code == 404
    assert "no-such" in answer.json()["detail"]


def test_an_audit_shows_its_last_rows(running: Running) -> None:
    """The scheduled run is remembered with its evidence; limited callers see their own rows."""
    viewer = running.client("viewer")
    names = [audit["name"] for audit in viewer.get("/v1/audits").json()]
    assert names == sorted(names)
    asked = running.client("proposer").post(f"/v1/audits/{names[0]}/run")
    assert asked.json()["audit"] == names[0]
    shown = viewer.get(f"/v1/audits/{names[0]}").json()
    assert shown["query"]
    assert running.client("elsewhere").get(f"/v1/audits/{names[0]}").json()["query"]
    assert viewer.get("/v1/audits/none").status_code == 404


def test_policies_show_their_mode_and_what_they_decided(running: Running) -> None:
    """Each policy in force names its audit, mode, steps and the counts of its decisions."""
    viewer = running.client("viewer")
    policies = viewer.get("/v1/policies").json()
    assert policies
    for policy in policies:
        assert policy["mode"] in ("Disabled", "DryRun", "Propose", "Auto")
        assert policy["steps"]
        assert viewer.get(f"/v1/policies/{policy['name']}").json()["name"] == policy["name"]
    missing = viewer.get("/v1/policies/none")
    assert missing.status_code == 404


def test_the_trail_is_searched(running: Running) -> None:
    """Who did what on which proposal, newest first, page by page."""
    made = proposed(running)
    running.client("admin").post(f"/v1/proposals/{made['id']}/reject", json={"reason": "no"})
    viewer = running.client("viewer")
    by_proposal = viewer.get(f"/v1/trail?proposal={made['id']}").json()["items"]
    assert [entry["action"] for entry in by_proposal] == ["reject", "propose"]
    assert {entry["namespace"] for entry in by_proposal} == {"shop"}
    by_person = viewer.get("/v1/trail?who=admin&action=reject&state=Rejected").json()["items"]
    assert made["id"] in [entry["proposal"] for entry in by_person]
    first = viewer.get(f"/v1/trail?proposal={made['id']}&limit=1").json()
    rest = viewer.get(f"/v1/trail?proposal={made['id']}&before={first['before']}").json()
    assert [entry["action"] for entry in rest["items"]] == ["propose"]
    now = datetime.now(UTC).year + 50
    assert viewer.get(f"/v1/trail?since={now}-01-01T00:00:00Z").json()["items"] == []


def test_a_limited_caller_sees_its_namespaces_only(running: Running) -> None:
    """Lists, trail, refusals and single proposals of other namespaces do not exist for it."""
    made = proposed(running)
    elsewhere = running.client("elsewhere")
    assert elsewhere.get("/v1/proposals").json()["items"] == []
    assert elsewhere.get("/v1/trail").json()["items"] == []
    assert elsewhere.get("/v1/refusals").json()["items"] == []
    hidden = elsewhere.get(f"/v1/proposals/{made['id']}")
    none = elsewhere.get(f"/v1/proposals/{made['id'][::-1]}")
    assert hidden.status_code == none.status_code == 404
    assert hidden.json()["detail"].replace(made["id"], "it") == none.json()["detail"].replace(
        made["id"][::-1], "it"
    ), "whether there is one elsewhere is nobody's business"
    assert elsewhere.get(f"/v1/proposals/{made['id']}/events").status_code == 404
    assert elsewhere.get(f"/v1/workloads/shop/Deployment/{an_app()}").status_code == 403


@pytest.mark.parametrize(
    "query",
    ["since=2026-01-01T00:00:00", "cursor=nonsense", "limit=0", "limit=201", "state=Odd"],
)
def test_a_strange_query_is_explained(running: Running, query: str) -> None:
    """Times without a zone, made-up cursors and unknown states are 422."""
    answer = running.client("viewer").get(f"/v1/proposals?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
