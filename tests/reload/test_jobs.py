"""After a reload the schedule follows, without disturbing what did not change."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from remedyd.jobs import Jobs
from remedyd.library import Library
from remedyd.loop import Loop
from remedyd.model import ManualClock
from remedyd.observability.metrics import Metrics
from remedyd.paths import shipped
from remedyd.scheduler import Scheduler

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Noted:
    """Notes what would be scheduled."""

    def __init__(self) -> None:
        """Begin without jobs."""
        self.calls: list[tuple[str, str]] = []
        self.jobs: dict[str, Callable[[], None]] = {}

    def every(
        self, name: str, interval: timedelta, job: Callable[[], None], *, wall: bool = False
    ) -> None:
        """Note a job with an interval."""
        self.calls.append(("add", name))
        self.jobs[name] = job

    def cron(self, name: str, expression: str, job: Callable[[], None]) -> None:
        """Note a job with a cron expression."""
        self.calls.append(("cron", name))
        self.jobs[name] = job

    def remove(self, name: str) -> None:
        """Note that a job ends."""
        self.calls.append(("remove", name))
        del self.jobs[name]


def _followed(tmp_path: Path) -> tuple[Noted, Library, Path]:
    shutil.copytree(shipped("esql"), tmp_path / "esql")
    policies = tmp_path / "policies"
    policies.mkdir()
    for name in ("replica-gap", "restarts-escalate"):
        shutil.copy(shipped("policies") / f"{name}.yaml", policies)
    library = Library([tmp_path / "esql"], [policies], ManualClock(NOW), Metrics())
    noted = Noted()
    jobs = Jobs(cast("Scheduler", noted), cast("Loop", None))
    jobs.follow(library.loaded)
    library.on_change(jobs.follow)
    noted.calls.clear()
    return noted, library, tmp_path


def test_an_audit_that_no_policy_reads_any_more_is_not_run(tmp_path: Path) -> None:
    """With its last policy an audit's job ends; the others are left alone."""
    noted, library, files = _followed(tmp_path)
    audit = library.policies()["replica-gap"].audit
    (files / "policies" / "replica-gap.yaml").unlink()
    library.check()
    assert noted.calls == [("remove", audit)]


def test_a_disabled_policy_needs_no_audit(tmp_path: Path) -> None:
    """Disabling is like taking away."""
    noted, library, files = _followed(tmp_path)
    audit = library.policies()["replica-gap"].audit
    path = files / "policies" / "replica-gap.yaml"
    path.write_text(path.read_text().replace("mode: Propose", "mode: Disabled"))
    library.check()
    assert noted.calls == [("remove", audit)]


def test_a_new_rhythm_replaces_the_job(tmp_path: Path) -> None:
    """An audit that is to run by the clock now is scheduled anew, the others keep their beat."""
    noted, library, files = _followed(tmp_path)
    audit = library.policies()["replica-gap"].audit
    path = files / "esql" / f"{audit}.yaml"
    text = path.read_text()
    assert "schedule: {every: 1m}" in text
    path.write_text(text.replace("schedule: {every: 1m}", 'schedule: {cron: "0 * * * *"}'))
    assert library.check()
    assert noted.calls == [("cron", audit)]


def test_another_text_keeps_the_beat(tmp_path: Path) -> None:
    """A changed condition does not restart the interval."""
    noted, library, files = _followed(tmp_path)
    path = files / "policies" / "replica-gap.yaml"
    path.write_text(path.read_text() + "\n# changed\n")
    assert library.check()
    assert noted.calls == []
