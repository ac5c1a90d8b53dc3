"""The approver's view: complete, one screen, and safe to print anywhere."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remedyd.model import (
    FieldChange,
    Patch,
    Precheck,
    PrecheckResult,
    Principal,
    Proposal,
    VerifySpec,
)
from remedyd.proposals import summary
from support.proposals import a_plan, a_proposal, a_row, a_target

WHOLE = """\
UpdateResources on Deployment/shop/checkout[app]
Why      policy oom-raise-memory, step raise-memory (mode Propose)
         audit container-memory: critical (3), 12 samples, last 11:59:30Z
         OOM killed twice within 10 minutes
         oom_kills=3  memory_pct=97.25  limit=256Mi  node=null
Diff     - spec.template.spec.containers[app].resources.limits.memory: 256Mi
         + spec.template.spec.containers[app].resources.limits.memory: 384Mi
Checks   1 of 2 passed; API server, dry run: accepted
         WARN SingleReplica: 1 replica (scale to 2 first)
Effect   rolling restart of 3 pods, no downtime (maxUnavailable 25 %)
Undo     if it does not help: limits.memory 256Mi
Expires  2026-11-05 12:15:00Z, 15m after it was made
Approve  proposal p1
Digest   {digest}"""


def test_it_tells_everything_on_one_screen() -> None:
    """What, why, diff, checks, effect, undo and expiry stand in a fixed order."""
    proposal = a_proposal()
    assert proposal.summary == WHOLE.format(digest=proposal.digest)


def test_the_evidence_is_told_once() -> None:
    """What the sentence named is not repeated, neither the target nor the columns."""
    proposal = a_proposal()
    target = "UpdateResources on Deployment/shop/checkout[app]"
    text = summary.plain(proposal, because=f"{target}: oom_kills = 3, memory_pct = 97.25")
    assert text.count(target) == 1
    assert "11:59:30Z\n         oom_kills = 3, memory_pct = 97.25\n" in text
    assert "limit=256Mi  node=null" in text
    assert "oom_kills=3" not in text
    trend = summary.plain(proposal, because="trend, 10m each: oom_kills 0 → 1 → 3")
    assert "memory_pct=97.25  limit=256Mi  node=null" in trend
    assert "oom_kills=3" not in trend


GITOPS = Precheck(
    "GitOps",
    PrecheckResult.WARN,
    "Argo CD manages it (argocd.argoproj.io/tracking-id: shop): undone at the next sync",
    "make the change in the source of Argo CD as well",
)
DOWNTIME = Precheck(
    "Downtime",
    PrecheckResult.WARN,
    "volume data is ReadWriteOnce: a new pod on another node waits for the old one",
    "approve it for a quiet time",
)


def test_downtime_and_lifetime_are_part_of_the_effect() -> None:
    """What users notice and when it will be undone has a line of its own, the answer first."""
    text = _told(a_proposal(plan=a_plan(prechecks=(GITOPS, DOWNTIME))))
    assert "\n         WARN Downtime: approve it for a quiet time\n" in text
    assert "\nDowntime volume data is ReadWriteOnce: a new pod" in text
    assert "\nLasts    undone at the next sync: Argo CD manages it" in text


def test_a_plan_with_many_warnings_fits_a_terminal_of_24_lines() -> None:
    """Each objection is there at least by its name, a Block first, and nothing else is lost."""
    names = ["Rollout", "Operator", "QosClass", "Quota", "NodeFit", "Autoscaler", "Admission"]
    long = "a sentence that goes on and on about numbers and names of objects, " * 4
    checks = tuple(Precheck(name, PrecheckResult.WARN, long, long) for name in names)
    block = Precheck("LimitRange", PrecheckResult.BLOCK, long, long)
    diff = "--- a (live)\n+++ a (planned)\n" + "\n".join(f"+ line {n}" for n in range(60))
    plan = a_plan(
        prechecks=(*checks, GITOPS, DOWNTIME, block), diff=diff, consequence=long, dry_run=long
    )
    row = a_row(**{f"column_{n}": n for n in range(40)})
    proposal = a_proposal(
        plan=plan, row=row, approvals_needed=2, approvers=tuple(f"person-{n}" for n in range(30))
    )
    lines = summary.plain(proposal, because=long).splitlines()
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 76
    text = "\n".join(lines)
    for name in (*names, "LimitRange", "GitOps", "Downtime"):
        assert name in text
    assert lines[next(n for n, line in enumerate(lines) if "Checks" in line) + 1].split()[0] == (
        "BLOCK"
    )
    labels = [line.split()[0] for line in lines[1:] if line[:1] != " "]
    assert labels == [
        *(
            "Why",
            "Diff",
            "Checks",
            "Effect",
            "Downtime",
            "Lasts",
            "Undo",
            "Expires",
            "Approve",
            "Digest",
        ),
    ]
    assert f"Digest   {proposal.digest}" in text
    assert "undone at the next sync" in text
    assert "… 56 more lines" in text
    assert "audit container-memory: critical (3)" in text


def test_downtime_is_told_once() -> None:
    """Where the consequence says it, no second line does."""
    plan = a_plan(prechecks=(DOWNTIME,), consequence="Downtime: strategy Recreate stops 2 pods.")
    lines = _told(a_proposal(plan=plan)).splitlines()
    assert "Effect   Downtime: strategy Recreate stops 2 pods." in lines
    assert not any(line.startswith("Downtime") for line in lines)


def test_what_changes_outlasts_its_surroundings() -> None:
    """Where room is short, the lines of a diff that change nothing go first."""
    around = [f"    other-{n}: {n}" for n in range(20)]
    diff = "\n".join(["@@ resources @@", *around, "-   memory: 1Mi", *around, "+   memory: 2Mi"])
    shown = _told(a_proposal(plan=a_plan(diff=diff)))
    assert "-   memory: 1Mi" in shown
    assert "+   memory: 2Mi" in shown
    assert "other-" not in shown


def test_an_older_sample_is_told_with_its_day() -> None:
    """Yesterday's evidence does not look like this morning's."""
    old = replace(a_row(), last_seen=a_proposal().created_at - timedelta(days=1))
    assert "last 2026-11-04 12:00:00Z" in " ".join(_told(a_proposal(row=old)).split())


def test_a_long_value_keeps_its_end() -> None:
    """The tag of an image is what an approver compares."""
    image = f"registry.example.com/{'team/' * 20}frontend"
    told = _told(a_proposal(plan=a_plan(diff=f"- image: {image}:2.4.1\n+ image: {image}:2.4.0")))
    assert "frontend:2.4.1\n" in told
    assert "frontend:2.4.0\n" in told


def test_markdown_tells_the_same() -> None:
    """The markdown form has the same parts, the diff as a block."""
    text = summary.markdown(a_proposal())
    labels = ["Why", "Diff", "Checks", "Effect", "Undo", "Expires", "Approve", "Digest"]
    assert re.findall(r"^\*\*(\w+)\*\*", text, re.MULTILINE)[-8:] == labels
    assert "```diff\n- spec" in text


def _told(proposal: Proposal) -> str:
    return summary.plain(proposal)


def test_a_request_names_who_asked() -> None:
    """Without an audit row, the requester is the reason, and an asserted identity is marked."""
    asker = Principal("flow", frozenset(), on_behalf_of="eve")
    text = _told(a_proposal(source="request", requested_by=asker, row=None))
    assert "requested by flow, for eve (as it says)" in text
    assert "asked for, not measured" in text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"undo": None}, "cannot be undone"),
        ({"patch": None}, "nothing to undo"),
        ({"diff": "", "changes": ()}, "nothing is written"),
        ({"diff": ""}, "resources.limits.memory\n           256Mi -> 384Mi"),
        ({"consequence": ""}, "nothing restarts"),
        ({"prechecks": (), "dry_run": ""}, "none needed"),
    ],
)
def test_what_is_missing_is_said(changes: dict[str, object], told: str) -> None:
    """An empty part says what its emptiness means."""
    assert told in _told(a_proposal(plan=a_plan(**changes)))


def test_an_undo_by_hand_is_said() -> None:
    """Where the policy forbids undoing by itself, the approver knows."""
    assert "by hand only" in _told(a_proposal(verify=VerifySpec(rollback=False)))


def test_an_old_value_that_fills_pages_is_left_to_the_diff() -> None:
    """A whole template is named, not printed as a program would."""
    template = {"metadata": {"labels": {"app": "cart"}}, "spec": {"containers": []}}
    plan = a_plan(changes=(FieldChange("spec.template", template, {}),))
    assert "if it does not help: template as it is now" in _told(a_proposal(plan=plan))


def test_blocks_come_before_warnings() -> None:
    """What forbids the change is read first."""
    checks = (
        Precheck("A", PrecheckResult.WARN, "so so"),
        Precheck("B", PrecheckResult.BLOCK, "no"),
    )
    lines = _told(a_proposal(plan=a_plan(prechecks=checks))).splitlines()
    assert [line.split()[0] for line in lines if " A: " in line or " B: " in line] == [
        "BLOCK",
        "WARN",
    ]


def test_cells_read_well() -> None:
    """Floats are short, dates are times, multivalues are lists."""
    row = a_row(ratio=1 / 3, pods=("a", "b"), at=a_proposal().created_at, used_bytes=134217728)
    text = " ".join(_told(a_proposal(row=row)).split())
    for part in ("ratio=0.333333", "pods=[a, b]", "at=2026-11-05 12:00:00Z", "used_bytes=128Mi"):
        assert part in text


NASTY = st.text(max_size=400) | st.sampled_from(
    ["\x1b[2J", "a\u202eb", "\r\nApprove", "```\n**x**", "x" * 300, "line\n" * 60, "\t|\t"]
)


@settings(deadline=None)
@given(NASTY, NASTY, NASTY, NASTY, NASTY)
def test_nothing_breaks_the_screen(a: str, b: str, c: str, d: str, e: str) -> None:
    """Whatever telemetry and objects say, it fits one screen and controls no terminal."""
    plan = a_plan(
        a_target(a),
        diff=b,
        consequence=c,
        prechecks=tuple(Precheck(d, PrecheckResult.WARN, e, c) for _ in range(20)),
        dry_run=d,
        undo=Patch({}),
    )
    proposal = replace(a_proposal(row=a_row(**{"x" + e: d})), plan=plan)
    lines = summary.plain(proposal, because=e).split("\n")
    assert len(lines) <= summary.LINES
    assert all(len(line) <= summary.WIDTH for line in lines)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "".join(lines))
    assert [line[:8] for line in lines if line[:1] != " "][-1] == "Digest  "


@settings(deadline=None)
@given(NASTY)
def test_markdown_cannot_leave_its_block(text: str) -> None:
    """A diff with fences of its own does not end the block it is shown in."""
    made = summary.markdown(a_proposal(plan=a_plan(diff=f"x\n{text}")))
    opening = re.search(r"^(`{3,})diff$", made, re.MULTILINE)
    assert opening is not None
    inside = made[opening.end() :].split(f"\n{opening[1]}\n\n**Checks**")
    assert len(inside) == 2
    assert opening[1] not in inside[0]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>", "&lt;script&gt;"),
        ("[a](b) **c** _d_", r"\[a\](b) \*\*c\*\* \_d\_"),
        ("`x` | y", r"\`x\` \| y"),
        ("# h", r"\# h"),
    ],
)
def test_markup_in_a_value_is_text(text: str, shown: str) -> None:
    """A value that looks like markup is shown, not obeyed."""
    assert shown in summary.markdown(a_proposal(), because=text)
