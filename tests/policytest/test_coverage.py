"""Coverage counts the branches of a policy that an expectation names."""

from remedyd.testing.policytest.coverage import branches
from remedyd.testing.policytest.runner import run
from remedyd.testing.policytest.summary import summary
from support.policytests import HEAD, POLICY, ROW, load

ALL = """\
  match: {targetKinds: [Deployment], namespaces: [shop], excludeNames: [x]}
"""


def covered(tmp_path, cases, policy=POLICY):
    suite = load(tmp_path, cases, policy=policy)
    (found,) = summary([suite], list(run([suite]))).coverages
    return found


def test_branches_follow_the_text_of_the_policy(tmp_path):
    """Only what the policy's author wrote, or what always applies, has to be tested."""
    suite = load(
        tmp_path,
        f"  - {{name: c, rows: [{{at: 0m, row: {ROW}}}], expect: []}}\n",
        policy=POLICY.replace("  sustain:", f"{ALL}  sustain:"),
    )
    assert list(branches(suite.policies["more-memory"])) == [
        "skip Severity",
        "skip Kind",
        "skip Namespace",
        "skip Name",
        "condition often false",
        "condition limited false",
        "step raise",
        "step restart",
        "hold Sustain",
        "hold AlreadyOpen",
        "hold Cooldown",
        "hold LadderStopped",
        "hold StepsExhausted",
        "hold HourlyLimit",
        "hold TooManyTargets",
    ]


def test_limits_that_limit_nothing_are_no_branches(tmp_path):
    """Without sustain, cooldown and share there is nothing to exercise."""
    policy = POLICY.replace("  sustain: {cycles: 2}\n", "").replace("cooldown: 10m", "cooldown: 0s")
    policy += "  limits: {maxTargetsPercent: 100}\n"
    found = covered(tmp_path, CASE, policy)
    held = [name for name in found.branches if name.startswith("hold")]
    assert held == [
        "hold AlreadyOpen",
        "hold LadderStopped",
        "hold StepsExhausted",
        "hold HourlyLimit",
    ]


CASE = f"""\
  - name: c
    rows: [{{at: 0m, row: {ROW}}}]
    expect: [{{at: 0m, outcome: Held}}]
"""


def test_only_what_is_asserted_counts(tmp_path):
    """A decision that nobody looks at does not test anything."""
    looked_at = covered(tmp_path, CASE)
    ignored = covered(tmp_path, CASE.replace("[{at: 0m, outcome: Held}]", "[]"))
    assert (looked_at.covered, ignored.covered) == ({"hold Sustain"}, frozenset())


def test_a_disabled_policy_has_one_branch(tmp_path):
    """It skips everything."""
    found = covered(
        tmp_path,
        CASE.replace("Held", "Skipped, reason: Disabled"),
        POLICY.replace("spec:\n", "spec:\n  mode: Disabled\n", 1),
    )
    assert (found.branches, found.percent) == (("skip Disabled",), 100.0)


def test_several_files_cover_a_policy_together(tmp_path):
    """The same policy in two test files has one coverage."""
    first = load(tmp_path, CASE)
    (tmp_path / "u.yaml").write_text(
        HEAD + "cases:\n" + CASE.replace("critical", "warning").replace("Held", "Skipped")
    )
    from remedyd.testing.policytest.loading import load_suites

    suites = [first, *load_suites([tmp_path / "u.yaml"])]
    (found,) = summary(suites, list(run(suites))).coverages
    assert found.covered == {"hold Sustain", "skip Severity"}
