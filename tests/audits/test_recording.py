"""The shipped audits over forty recorded minutes of a real cluster, one scrape a minute.

What happened is known (see the recording's README): the audits must see the incidents while they
last, and nothing where nothing was wrong.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from remedyd.audits.loader import load_audits
from remedyd.audits.runner import AuditRunner
from remedyd.model import AuditOutcome, AuditResult, Target, Window
from remedyd.paths import shipped
from support.containers import living_restarts, peak_memory
from support.offline import recording

AUDITS = load_audits(shipped("esql"))
PORTABLE = ("container-memory", "container-restarts", "replica-gap")
EACH = (*PORTABLE, "stuck-rollout")
FIRST, LAST = (22, 13), (22, 49)


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 11, 22, hour, minute, second, tzinfo=UTC)


@cache
def run(name: str, now: datetime, cluster: str = "") -> AuditResult:
    source, clock = recording()
    clock.current = now
    return AuditRunner(source, clock, cluster, gate=AUDITS.gate).run(AUDITS[name])


def minutes() -> Iterator[datetime]:
    now = at(*FIRST)
    while now <= at(*LAST):
        yield now
        now += timedelta(minutes=1)


def seen(name: str, severity: int) -> dict[str, tuple[str, str]]:
    """Return the first and last minute at which each target had at least `severity`."""
    found: dict[str, tuple[str, str]] = {}
    for now in minutes():
        for row in run(name, now).rows:
            if row.severity >= severity:
                key, time = f"{row.target.namespace}/{row.target.name}", f"{now:%H:%M}"
                found[key] = (found.get(key, (time,))[0], time)
    return found


@pytest.mark.parametrize("name", PORTABLE)
def test_every_minute_gives_rows_of_every_workload(name):
    """Healthy subjects are rows too: absence never reads as health."""
    for now in minutes():
        result = run(name, now)
        names = {r.target.name for r in (*result.rows, *(a.row for a in result.set_aside))}
        assert result.outcome is AuditOutcome.OK, (now, result.detail)
        assert names >= {"catalog", "shipping", "quote", "orders-db", "node-agent", "batch"}


def test_memory_is_critical_for_the_workloads_that_were_killed():
    """Within one or two scrapes of the first kill, and no longer than the pods killed live."""
    assert seen("container-memory", 3) == {
        "shop/checkout": ("22:16", "22:26"),
        "shop/ad": ("22:18", "22:49"),
        "shop/cart": ("22:37", "22:41"),
    }


def test_hot_but_stable_is_a_warning_at_most():
    """Old restarts and an old OOMKilled reason do not make a kill of today."""
    for now in minutes():
        rows = run("container-memory", now).rows
        (quote,) = [r for r in rows if r.target.name == "quote"]
        assert (quote.severity, quote.values["oom_kills"], quote.values["restarts"]) == (2, 0, 0)
        assert 90 <= quote.values["memory_pct_max"] <= 96


def test_two_workloads_of_one_name_are_kept_apart():
    """The cart of the demo namespace stays healthy while the cart of the shop is killed."""
    rows = run("container-memory", at(22, 39)).rows
    carts = {r.target.namespace: int(r.severity) for r in rows if r.target.name == "cart"}
    assert carts == {"shop": 3, "otel-demo": 1}


def test_a_container_without_limit_has_no_percentage():
    """Unlimited is told as such, not as zero."""
    rows = run("container-memory", at(22, 20)).rows
    (row,) = [r for r in rows if r.target.name == "load-generator"]
    assert (row.values["memory_pct_max"], row.values["unlimited_pods"]) == (None, 1)
    assert row.severity == 1


def test_restarts_are_those_of_the_window():
    """Crash loops while they last; a single liveness restart and old counts are no finding."""
    assert seen("container-restarts", 2) == {
        "shop/checkout": ("22:16", "22:26"),
        "shop/ad": ("22:19", "22:49"),
        "shop/cart": ("22:37", "22:41"),
        "shop/payment": ("22:20", "22:39"),
        "otel-demo/legacy": ("22:21", "22:25"),
    }


def test_a_single_restart_is_counted_and_healthy():
    """The liveness restart of currency shows with its reason, at severity 1."""
    rows = run("container-restarts", at(22, 33)).rows
    (row,) = [r for r in rows if r.target.name == "currency"]
    shown = {k: row.values[k] for k in ("restarts", "last_terminated_reason", "oom_kills")}
    assert (row.severity, shown) == (
        1,
        {"restarts": 1, "last_terminated_reason": "Error", "oom_kills": 0},
    )


@pytest.mark.parametrize(
    ("name", "reason", "killed"), [("checkout", "OOMKilled", True), ("payment", "Error", False)]
)
def test_the_reason_tells_memory_from_other_crashes(name, reason, killed):
    """A crash loop with exit code 1 is never taken for want of memory."""
    rows = run("container-restarts", at(22, 24)).rows
    (row,) = [r for r in rows if r.target.name == name]
    assert row.values["last_terminated_reason"] == reason
    assert (row.values["oom_kills"] > 0) is killed


def test_a_deleted_workload_disappears():
    """Its documents lie in the window for minutes; it is left out after two silent scrapes."""
    for name in EACH:
        rows = run(name, at(22, 27)).rows
        assert "legacy" not in {row.target.name for row in rows}


def test_gaps_last_the_whole_window():
    """Flapping, a rolling update and a scale to zero are no gap; those below were."""
    gaps = seen("replica-gap", 2)
    assert gaps["shop/payment"] == ("22:24", "22:30")
    assert gaps["tight/report-worker"] == ("22:38", "22:45")
    assert gaps["shop/frontend"][0] == "22:22"
    assert not gaps.keys() & {"shop/email", "otel-demo/cart", "shop/currency", "tight/batch"}


def test_scaled_to_zero_is_no_gap():
    """Desired 0 is fulfilled."""
    for now in minutes():
        (email,) = [r for r in run("replica-gap", now).rows if r.target.name == "email"]
        assert (email.severity, email.values["gap"]) == (1, 0)


def test_a_rolling_update_is_no_gap():
    """One replica missing for half a minute does not count."""
    for minute in (27, 28, 29, 30):
        rows = run("replica-gap", at(22, minute)).rows
        (catalog,) = [r for r in rows if r.target.name == "catalog"]
        assert catalog.values["gap"] == 0


def test_two_releases_are_stuck():
    """No rolling update, restart by hand, crash, dead node or quota looks like it."""
    assert seen("stuck-rollout", 2) == {
        "shop/frontend": ("22:20", "22:23"),
        "tight/batch": ("22:38", "22:44"),
    }


def test_a_stuck_release_need_not_show_in_what_is_available():
    """Of batch all wanted pods are there; the one of the release could not even be made."""
    rows = run("stuck-rollout", at(22, 42)).rows
    (batch,) = [r for r in rows if r.target.name == "batch"]
    shown = ("desired", "available", "serving", "waiting", "waiting_replicaset")
    assert [batch.values[name] for name in shown] == [1, 1, 1, 1, "batch-787dd56668"]


def test_the_gap_that_the_demo_query_hides_is_found():
    """LAST keeps nulls: the newest document is of a container, so desired and gap are null.

    Over the same minutes the audit sees that nothing of the workload was available.
    """
    now = at(22, 24)
    shown = {r.target.name: r for r in run("seed-deployment-health", now).rows}
    assert shown["legacy"].values["gap"] is None
    assert shown["legacy"].severity == 1
    source, clock = recording()
    clock.current = now
    span = Window(at(22, 20, 20), at(22, 23, 40))
    scope = Target("shop-prod", "otel-demo", "Deployment", "legacy")
    found = AuditRunner(source, clock).run(AUDITS["replica-gap"], window=span, scope=scope)
    assert [(r.severity, r.values["gap"]) for r in found.rows] == [(3, 1)]


@pytest.mark.parametrize("name", EACH)
def test_a_scoped_run_gives_the_same_row(name):
    """Verification asks about one workload; it must not get another answer."""
    source, clock = recording()
    clock.current = at(22, 24)
    audits = AuditRunner(source, clock, "shop-prod", gate=AUDITS.gate)
    for row in audits.run(AUDITS[name]).rows:
        assert row in audits.run(AUDITS[name], scope=row.target).rows


@pytest.mark.parametrize("minute", [17, 20, 24, 28, 33, 38, 44])
def test_restarts_equal_a_count_by_hand(minute):
    """Summed increments between consecutive readings of the pods that still report."""
    now = at(22, minute)
    window = run("container-restarts", now).window
    counted = {
        (r.target.namespace, r.target.name, r.target.container): r.values["restarts"]
        for r in run("container-restarts", now).rows
    }
    by_hand = living_restarts(window)
    assert counted == {key: by_hand[key] for key in counted}
    assert any(counted.values())


@pytest.mark.parametrize("minute", [17, 24, 33, 44])
def test_memory_equals_a_division_by_hand(minute):
    """The hottest pod's peak over that very container's limit."""
    now = at(22, minute)
    result = run("container-memory", now)
    by_hand = peak_memory(result.window)
    for row in result.rows:
        target = row.target
        key = (target.namespace, target.name, target.container)
        assert row.values["memory_pct_max"] == pytest.approx(by_hand[key], abs=0.06), key


@pytest.mark.parametrize(
    ("now", "outcome"),
    [
        (at(22, 5), "NoData"),
        (at(22, 50), "Ok"),
        (at(22, 53), "Stale"),
        (at(23, 2), "Stale"),
        (at(23, 10), "NoData"),
    ],
)
@pytest.mark.parametrize("name", EACH)
def test_silent_collectors_refuse_every_audit(name, now, outcome):
    """Before the first and after the last document nothing is concluded."""
    assert run(name, now).outcome == outcome


@pytest.mark.parametrize("name", [*EACH, "seed-deployment-health"])
def test_telemetry_of_another_cluster_is_foreign(name):
    """All documents are of shop-prod; a daemon of another cluster acts on none."""
    result = run(name, at(22, 24), "staging")
    assert (result.outcome, result.rows) == (AuditOutcome.FOREIGN_CLUSTER, ())


def test_the_demo_table_keeps_its_columns_and_order():
    """The demo's own table, column for column, worst first."""
    table = run("seed-deployment-health", at(22, 20)).table
    assert [c.name for c in table.columns] == [
        "kubernetes.deployment.name",
        "severity_score",
        "actual_pods",
        "last_seen",
        "desired",
        "mem_pct",
        "restarts",
        "gap",
    ]
    assert [row[0] for row in table.rows][:2] == ["quote", "load-generator"]
    assert [row[1] for row in table.rows] == [3, 2, 1, 1, 1]


def test_freshness_tells_the_age_of_every_stream():
    """Two metric streams, seconds old while the collectors run."""
    rows = run("telemetry-freshness", at(22, 30)).rows
    assert {r.target.name for r in rows} == {
        "k8sclusterreceiver.otel",
        "kubeletstatsreceiver.otel",
    }
    assert all(r.values["age_seconds"] <= 60 for r in rows)
