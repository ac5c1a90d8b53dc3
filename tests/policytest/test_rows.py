"""Cases over rows: virtual time, memory between cycles, and exact cover both ways."""

from support.policytests import HEAD, POLICY, ROW, result, told


def test_a_row_that_matches_long_enough_is_proposed(tmp_path):
    """The test's cycles are the daemon's: held until sustained, then proposed."""
    found = result(
        tmp_path,
        f"""\
rows: [{{at: 0m, until: 1m, row: {ROW}}}]
expect:
  - {{at: 0m, outcome: Held, reason: Sustain}}
  - {{at: 1m, outcome: Proposed, step: raise, target: "Deployment/shop/cart[app]"}}""",
    )
    assert told(found) == []


def test_a_proposal_that_is_not_expected_fails(tmp_path):
    """An empty list of expectations means that nothing may happen."""
    found = result(tmp_path, f"rows: [{{at: 0m, until: 1m, row: {ROW}}}]\nexpect: []")
    assert told(found) == ["at 1m more-memory gave Proposed, which is not expected"]
    assert "+outcome: Proposed" in found.failures[0].diff


def test_an_error_that_is_not_expected_fails(tmp_path):
    """An audit that breaks must not look like a policy that stays calm."""
    found = result(tmp_path, "rows: [{at: 0m, outcome: Partial}]\nexpect: []")
    assert told(found) == ["at 0s more-memory gave Error, which is not expected"]


def test_an_expectation_that_nothing_meets_fails_with_the_nearest_outcome(tmp_path):
    """The difference is told as a diff, and the outcome not once more as unexpected."""
    found = result(
        tmp_path,
        f"rows: [{{at: 0m, row: {ROW}}}]\nexpect: [{{at: 0m, outcome: Proposed, step: raise}}]",
    )
    assert told(found) == ["at 0s more-memory gave something else"]
    assert found.failures[0].diff.splitlines()[2:] == [
        "@@ -1,3 +1,4 @@",
        " policy: more-memory",
        "-outcome: Proposed",
        "-step: raise",
        "+outcome: Held",
        "+reason: Sustain",
        "+detail: matched in 1 of 2 runs in a row",
    ]


def test_an_expectation_about_nobody_says_whom_there_is(tmp_path):
    """A misspelt workload is recognised as one."""
    found = result(
        tmp_path,
        f"rows: [{{at: 0m, row: {ROW}}}]\n"
        "expect: [{at: 0m, outcome: Held, target: Deployment/shop/card}]",
    )
    (message,) = told(found)
    assert message == (
        "at 0s more-memory decided about Deployment/shop/cart[app], not about Deployment/shop/card"
    )


def test_an_expectation_in_a_cycle_without_rows_fails(tmp_path):
    """An audit without rows in a cycle does not run in it."""
    found = result(
        tmp_path,
        f"rows: [{{at: 0m, row: {ROW}}}]\nexpect: [{{at: 1m, outcome: Proposed}}]",
    )
    (message,) = told(found)
    assert message == "at 1m more-memory decided nothing: its audit did not run in this cycle"


def test_two_equal_expectations_need_two_outcomes(tmp_path):
    """Each outcome meets one expectation."""
    found = result(
        tmp_path,
        f"rows: [{{at: 0m, row: {ROW}}}]\n"
        "expect: [{at: 0m, outcome: Held}, {at: 0m, outcome: Held}]",
    )
    assert len(found.failures) == 1


def test_a_vague_expectation_leaves_the_right_outcome_to_a_precise_one(tmp_path):
    """As many expectations as possible are met, in whatever order they stand."""
    found = result(
        tmp_path,
        f"""\
rows:
  - {{at: 0m, row: {ROW}}}
  - {{at: 0m, row: {{$same: 0, name: other}}}}
expect:
  - {{at: 0m, outcome: Held}}
  - {{at: 0m, outcome: Held, target: Deployment/shop/cart}}""",
    )
    assert told(found) == []


def test_same_takes_over_an_earlier_row(tmp_path):
    """`$same` copies, also through another `$same`, and what is written wins."""
    found = result(
        tmp_path,
        f"""\
rows:
  - {{at: 0m, row: {ROW}}}
  - {{at: 1m, row: {{$same: 0, limit_bytes: null}}}}
  - {{at: 2m, row: {{$same: 1, restarts: 1}}}}
expect:
  - {{at: 1m, outcome: Skipped, condition: limited}}
  - {{at: 2m, outcome: Skipped, condition: often}}""",
    )
    assert told(found) == []


def test_a_row_without_fresh_readings_is_set_aside_as_in_the_daemon(tmp_path):
    """The audit's own rules about samples and freshness hold for written rows too."""
    found = result(
        tmp_path,
        f"""\
rows:
  - {{at: 0m, row: {ROW}}}
  - {{at: 1m, row: {{$same: 0, last_seen: 4m ago}}}}
  - {{at: 2m, row: {{$same: 0, samples: 1}}}}
expect:
  - {{at: 1m, outcome: Error, reason: Stale}}
  - {{at: 2m, outcome: Error, reason: NoData}}""",
    )
    assert told(found) == []


def test_healthy_neighbours_make_a_namespace_large(tmp_path):
    """`others` stands for the rest of the namespace, which limits compare with."""
    case = f"""\
rows:
  - {{at: 0m, until: 1m, row: {ROW}}}
  - {{at: 0m, until: 1m, row: {{$same: 0, name: other}}}}
expect:
  - {{at: 1m, target: Deployment/shop/cart, outcome: OUTCOME}}
  - {{at: 1m, target: Deployment/shop/other, outcome: OUTCOME}}"""
    alone = result(tmp_path, case.replace("OUTCOME", "Held, reason: TooManyTargets"))
    among = result(tmp_path, "others: 20\n" + case.replace("OUTCOME", "Proposed"))
    assert (told(alone), told(among)) == ([], [])


def test_the_cluster_of_the_test_is_that_of_its_rows(tmp_path):
    """Rows of another cluster are refused as the daemon refuses them."""
    found = result(
        tmp_path,
        f"""\
rows:
  - {{at: 0m, row: {ROW}}}
  - {{at: 1m, row: {{$same: 0, cluster: elsewhere}}}}
expect:
  - {{at: 0m, outcome: Held}}
  - {{at: 1m, outcome: Error, reason: ForeignCluster}}""",
        head=HEAD + "cluster: here\n",
    )
    assert told(found) == []


def test_now_and_interval_can_be_set_per_case(tmp_path):
    """A condition that reads the time sees the case's."""
    policy = POLICY.replace("restarts > 5}", "'now > timestamp(\"2027-01-01T00:00:00Z\")'}")
    found = result(
        tmp_path,
        f"""\
now: "2028-01-01T00:00:00Z"
interval: 7m
rows: [{{at: 0m, until: 7m, row: {ROW}}}]
expect:
  - {{at: 0m, outcome: Held}}
  - {{at: 7m, outcome: Proposed}}""",
        policy=policy,
    )
    assert told(found) == []
