"""What happens to proposals between cycles decides what is held, and which step is next."""

from support.policytests import POLICY, ROW, result, told


def story(tmp_path, *lines, until="60m", events="", policy=POLICY):
    expected = "\n".join(f"  - {line}" for line in lines)
    return told(
        result(
            tmp_path,
            f"rows: [{{at: 0m, until: {until}, row: {ROW}}}]\nevents: [{events}]\n"
            f"expect:\n  - {{at: 0m, outcome: Held, reason: Sustain}}\n{expected}",
            policy=policy,
        )
    )


PROPOSED = "{at: 1m, outcome: Proposed, step: raise}"


def test_a_proposal_nobody_answers_expires_and_cools_down(tmp_path):
    """Open for 15 minutes, then ten minutes of cooldown, then proposed again."""
    assert (
        story(
            tmp_path,
            PROPOSED,
            "{at: 2m, until: 15m, outcome: Held, reason: AlreadyOpen}",
            "{at: 16m, until: 25m, outcome: Held, reason: Cooldown}",
            "{at: 26m, outcome: Proposed, step: raise}",
            until="26m",
        )
        == []
    )


def test_a_rejection_starts_the_cooldown(tmp_path):
    """The time counts from the rejection."""
    assert (
        story(
            tmp_path,
            PROPOSED,
            "{at: 2m, outcome: Held, reason: AlreadyOpen}",
            "{at: 3m, until: 12m, outcome: Held, reason: Cooldown}",
            "{at: 13m, outcome: Proposed, step: raise}",
            until="13m",
            events="{at: 3m, reject: Deployment/shop/cart}",
        )
        == []
    )


def test_a_spent_step_hands_over_to_the_next(tmp_path):
    """An applied attempt counts, a mere proposal does not."""
    assert (
        story(
            tmp_path,
            PROPOSED,
            "{at: 5m, until: 14m, outcome: Held, reason: Cooldown}",
            "{at: 15m, outcome: Proposed, step: restart}",
            until="15m",
            events="{at: 2m, approve: Deployment/shop/cart}, "
            "{at: 5m, settle: Deployment/shop/cart, verdict: Ineffective}",
        )
        == []
    )


LADDER = POLICY.replace("maxAttempts: 1", "maxAttempts: 3")


def test_a_proven_failure_leads_to_the_next_rung(tmp_path):
    """Attempts that are left make no difference then."""
    assert (
        story(
            tmp_path,
            PROPOSED,
            "{at: 15m, outcome: Proposed, step: restart}",
            until="15m",
            events="{at: 2m, approve: Deployment/shop/cart}, "
            "{at: 5m, settle: Deployment/shop/cart, verdict: Ineffective}",
            policy=LADDER,
        )
        == []
    )


def test_harm_stops_the_ladder(tmp_path):
    """A person decides what comes after it."""
    assert (
        story(
            tmp_path,
            PROPOSED,
            "{at: 15m, outcome: Held, reason: LadderStopped}",
            until="15m",
            events="{at: 2m, approve: Deployment/shop/cart}, "
            "{at: 5m, settle: Deployment/shop/cart, verdict: Harmful}",
            policy=LADDER,
        )
        == []
    )


def test_an_applied_change_without_a_verdict_stays_open_until_its_time_is_up(tmp_path):
    """Without proof the change is Inconclusive after the step's timeout of an hour."""
    assert (
        story(
            tmp_path,
            PROPOSED,
            "{at: 61m, outcome: Held, reason: AlreadyOpen}",
            "{at: 62m, outcome: Held, reason: Cooldown}",
            until="62m",
            events="{at: 2m, approve: Deployment/shop/cart}",
        )
        == []
    )


def test_approval_and_verdict_may_be_one_event(tmp_path):
    """For tests that care about what follows only."""
    assert (
        story(
            tmp_path,
            PROPOSED,
            "{at: 3m, outcome: Held, reason: Cooldown}",
            until="3m",
            events="{at: 2m, approve: Deployment/shop/cart, verdict: Effective}",
        )
        == []
    )


def test_a_pause_holds_and_a_resume_lets_go(tmp_path):
    """An event at a cycle's time comes before the cycle."""
    assert (
        story(
            tmp_path,
            "{at: 1m, until: 2m, outcome: Held, reason: Paused}",
            "{at: 3m, outcome: Proposed}",
            until="3m",
            events="{at: 1m, pause: true}, {at: 3m, pause: false}",
        )
        == []
    )


def test_what_cannot_happen_fails_at_its_place(tmp_path):
    """Approving what nobody proposed is a mistake of the test."""
    assert story(
        tmp_path,
        PROPOSED,
        until="1m",
        events="{at: 30s, approve: Deployment/shop/cart}, "
        "{at: 90s, settle: Deployment/shop/cart, verdict: Effective}",
    )[:2] == [
        "approve at 30s: no proposal about Deployment/shop/cart is open at this time",
        "settle at 1m30s: the proposal about Deployment/shop/cart is not applied yet",
    ]


def test_a_policy_in_mode_auto_approves_its_own(tmp_path):
    """Nobody has to be asked, and the attempt counts at once."""
    policy = POLICY.replace("spec:\n", "spec:\n  mode: Auto\n", 1)
    assert (
        story(
            tmp_path,
            PROPOSED,
            "{at: 30m, outcome: Held, reason: AlreadyOpen}",
            until="30m",
            policy=policy,
        )
        == []
    )


def test_a_rehearsed_proposal_holds_nothing_open(tmp_path):
    """In mode DryRun a proposal ends at once, and its cooldown begins."""
    policy = POLICY.replace("spec:\n", "spec:\n  mode: DryRun\n", 1)
    assert (
        story(
            tmp_path,
            PROPOSED,
            "{at: 2m, until: 10m, outcome: Held, reason: Cooldown}",
            "{at: 11m, outcome: Proposed}",
            until="11m",
            policy=policy,
        )
        == []
    )
