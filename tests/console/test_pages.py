"""What the pages show: what waits, why, what was decided; names from outside stay words."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from remedyd.lab.world import Lab
from remedyd.model import Outcome, Proposal, State, Verdict
from remedyd.proposals.store import Store
from remedyd.server.console import assets
from support.console import Visitor
from support.proposals import a_proposal
from support.running import Running
from support.ways import an_app, proposed

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202egnp.exe\x1b[31m"


def _stored(running: Running, lab: Lab, key: str, **changes: Any) -> Proposal:
    """Put a proposal with evidence into the daemon's store, as another replica would."""
    made = a_proposal(key, an_app(), at=lab.now())
    target = replace(made.plan.target, cluster="lab")
    plan = replace(made.plan, target=target, **changes.pop("plan", {}))
    store = Store(running.settings.database, lab.clock)
    try:
        detail = "OOM killed twice within 10 minutes"
        return store.create(replace(made, plan=plan, **changes), detail=detail)
    finally:
        store.close()


def test_the_overview_says_what_waits_for_whom(
    running: Running, approver: Visitor, visitor: Visitor
) -> None:
    """An approver finds it under what waits for them, with the change in a few words."""
    made = proposed(running)
    page = approver.page("/console")
    section = page.one("section", aria_labelledby="waits")
    links = {link["href"] for link in section.all("a", data_row=None)}
    assert f"/console/proposals/{made['id']}" in links
    assert "Scale replicas 1 → 2" in section.text
    with Visitor(running.url) as other:
        other.sign_in("viewer")
        section = other.page("/console").one("section", aria_labelledby="waits")
        assert "Nothing waits for you" in section.text
        assert made["target"]["name"] in section.text


def test_one_screen_holds_what_a_decision_needs(
    running: Running, lab: Lab, approver: Visitor
) -> None:
    """Diff, evidence, prechecks, consequence, undo, expiry and digest stand on one page."""
    made = _stored(running, lab, "one-screen")
    text = approver.page(f"/console/proposals/{made.id}").one("main").text
    for words in (
        "256Mi",
        "384Mi",
        "container-memory",
        "critical",
        "97.25",
        "rolling restart of 3 pods",
        "back to memory limit 256Mi",
        "1 of 2 passed",
        "SingleReplica",
        "scale to 2 first",
        "OOM killed twice",
        "Expires",
        made.digest,
    ):
        assert words in text


def test_the_verdict_stands_beside_the_evidence(
    running: Running, lab: Lab, approver: Visitor
) -> None:
    """Before and after, column by column, with what changed made bold."""
    made = _stored(running, lab, "judged")
    verdict = Verdict(
        Outcome.EFFECTIVE, lab.now(), "Improved", "no kill since", {}, {"oom_kills": 0}, 9
    )
    store = Store(running.settings.database, lab.clock)
    for state in (State.APPROVED, State.APPLYING, State.APPLIED, State.VERIFYING):
        made = store.transition(made, state)
    store.transition(made, State.EFFECTIVE, verdict=verdict)
    store.close()
    page = approver.page(f"/console/proposals/{made.id}")
    assert "no kill since" in page.one("main").text
    assert "oom_kills 3 0" in {row.text for row in page.all("tr", class_="moved")}


def test_names_from_outside_stay_words(running: Running, lab: Lab, approver: Visitor) -> None:
    """Markup in a reason, a diff, a column or a precheck is shown, never obeyed."""
    made = _stored(
        running,
        lab,
        "evil",
        reason=EVIL,
        step=EVIL,
        plan={"diff": f"+ {EVIL}", "consequence": EVIL},
    )
    for path in (f"/console/proposals/{made.id}", "/console", "/console/history"):
        answer = approver.get(path)
        assert "<script>alert" not in answer.text
        assert "<img" not in answer.text
        assert "\u202e" not in answer.text
        assert "\x1b" not in answer.text
    assert "\\u202e" in approver.get(f"/console/proposals/{made.id}").text


def test_a_request_without_evidence_says_so(running: Running, approver: Visitor) -> None:
    """Asked for, not measured: there is no row and no curve."""
    made = proposed(running)
    page = approver.page(f"/console/proposals/{made['id']}")
    assert "Asked for, not measured" in page.one("main").text
    signal = approver.page(f"/console/proposals/{made['id']}/signal")
    assert "nothing was measured" in signal.text


def test_the_timeline_tells_every_move(running: Running, approver: Visitor) -> None:
    """Who did what, when and why, oldest first."""
    made = proposed(running)
    approver.press(
        approver.page(f"/console/proposals/{made['id']}"), "Reject", reason="not during the sale"
    )
    moves = approver.page(f"/console/proposals/{made['id']}").one("ol", class_="timeline")
    told = [item.text for item in moves.all("li")]
    assert len(told) == 2
    assert "Proposed" in told[0]
    assert "Rejected" in told[1]
    assert "reject by approver not during the sale" in told[1]


def test_history_is_filtered_and_keeps_what_was_asked(running: Running, approver: Visitor) -> None:
    """The form shows the filter that is in force, and only what fits is listed."""
    made = proposed(running)
    approver.press(approver.page(f"/console/proposals/{made['id']}"), "Reject")
    page = approver.page("/console/history?state=Rejected&namespace=shop&source=request")
    links = {link["href"] for link in page.one(id="results").all("a", data_row=None)}
    assert f"/console/proposals/{made['id']}" in links
    chosen = page.one("select", name="state").one("option", selected=None)
    assert chosen.text == "Rejected"
    nothing = approver.page("/console/history?state=Harmful")
    assert "No proposal fits" in nothing.text


@pytest.mark.parametrize(
    "query", ["state=Nonsense", "since=yesterday", "cursor=%21%21", "until=2026-13-40"]
)
def test_a_filter_that_cannot_be_is_told(approver: Visitor, query: str) -> None:
    """422 with what is wrong, as a page."""
    page = approver.page(f"/console/history?{query}", 422)
    assert page.one(role="alert").text


def test_what_does_not_exist_is_a_page_too(approver: Visitor) -> None:
    """404 with the next step."""
    for path in ("/console/proposals/none", "/console/audits/none", "/console/policies/none"):
        assert approver.page(path, 404).one(role="alert").text


def test_a_slash_too_many_is_forgiven(approver: Visitor) -> None:
    """`/console/` leads to the overview."""
    assert approver.get("/console/").headers["location"] == "/console"


def test_audits_and_policies_tell_how_they_stand(approver: Visitor) -> None:
    """Each audit with who judges it; each policy with its conditions and its mode."""
    assert "oom-raise-memory" in approver.page("/console/audits").text
    assert "FROM metrics-kubeletstats" in approver.page("/console/audits/container-memory").text
    policy = approver.page("/console/policies/oom-raise-memory").one("main").text
    assert "oom_kills > oom_pods" in policy
    assert "Propose" in policy


def test_the_stream_tells_pages_what_moves(running: Running, approver: Visitor) -> None:
    """Unnamed events, so that a page hears every one, for who has signed in."""
    with approver.http.stream("GET", "/console/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        next(lines)
        made = proposed(running)
        seen: list[str] = []
        for line in lines:
            seen.append(line)
            if made["id"] in line:
                break
    assert not [line for line in seen if line.startswith("event:")]


def test_the_library_in_the_page_is_the_published_one() -> None:
    """htmx is vendored unchanged, so that its version can be told and checked."""
    file = Path(assets.__file__).parent / "static" / "htmx.min.js"
    known = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == known
