"""Policies and audits change under a running daemon, as a whole or not at all."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from remedyd.errors import InvalidInput
from remedyd.library import Library, Loaded
from remedyd.model import ManualClock, Mode
from remedyd.observability.metrics import Metrics
from remedyd.paths import shipped

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
POLICY = "replica-gap.yaml"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a folder with the shipped audits and one policy."""
    shutil.copytree(shipped("esql"), tmp_path / "esql")
    (tmp_path / "policies").mkdir()
    shutil.copy(shipped("policies") / POLICY, tmp_path / "policies")
    return tmp_path


@pytest.fixture
def metrics() -> Metrics:
    """Return fresh metrics."""
    return Metrics()


@pytest.fixture
def library(files: Path, metrics: Metrics) -> Iterator[Library]:
    """Return a library over these files."""
    yield Library([files / "esql"], [files / "policies"], ManualClock(NOW), metrics)


def _edit(files: Path, old: str, new: str) -> None:
    path = files / "policies" / POLICY
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def _valid(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("remedyd_configuration_valid")


def test_nothing_is_read_again_without_a_change(library: Library) -> None:
    """As long as the files are the same, so is the set in force."""
    before = library.loaded
    assert not library.check()
    assert library.loaded is before


def test_a_changed_policy_comes_into_force(library: Library, files: Path) -> None:
    """After the next look, decisions follow the new text."""
    _edit(files, "mode: Propose", "mode: DryRun")
    assert library.check()
    assert library.policies()["replica-gap"].mode is Mode.DRY_RUN


def test_a_policy_may_come_and_go(library: Library, files: Path) -> None:
    """New files are loaded, those that are gone stop counting."""
    (files / "policies" / POLICY).unlink()
    shutil.copy(shipped("policies") / "restarts-escalate.yaml", files / "policies")
    assert library.check()
    assert list(library.policies()) == ["restarts-escalate"]


def test_a_bad_file_leaves_everything_as_it_was(
    library: Library, files: Path, metrics: Metrics
) -> None:
    """No half of a set counts; gauge and notice say what is wrong and where."""
    before = library.loaded
    shutil.copy(shipped("policies") / "restarts-escalate.yaml", files / "policies")
    _edit(files, "mode: Propose", "mode: Automatic")
    assert not library.check()
    assert library.loaded is before
    assert _valid(metrics) == 0
    (notice,) = library.notices()
    assert f"{POLICY}:" in notice
    assert "stay in force" in notice


def test_a_bad_file_is_told_once(library: Library, files: Path) -> None:
    """Looking at the same mistake again is no news."""
    _edit(files, "mode: Propose", "mode: Automatic")
    told: list[Loaded] = []
    library.on_change(told.append)
    assert not library.check()
    assert not library.check()
    assert not told


@pytest.mark.parametrize("back", [True, False], ids=["taken back", "corrected"])
def test_a_mended_file_ends_the_notice(
    library: Library, files: Path, metrics: Metrics, back: bool
) -> None:
    """Whether the mistake is taken back or corrected, files and daemon agree again."""
    _edit(files, "mode: Propose", "mode: Automatic")
    library.check()
    _edit(files, "mode: Automatic", "mode: Propose" if back else "mode: Auto")
    assert library.check() is not back
    assert library.notices() == ()
    assert _valid(metrics) == 1


def test_a_removed_audit_that_a_policy_reads_is_refused(library: Library, files: Path) -> None:
    """A policy is never left without its audit."""
    (files / "esql" / "replica-gap.yaml").unlink()
    assert not library.check()
    assert "replica-gap" in library.audits


def test_the_audits_follow(library: Library, files: Path) -> None:
    """Whoever was given the audits at the start sees those of the new set."""
    audits = library.audits
    query = files / "esql" / "replica-gap.esql"
    query.write_text(query.read_text() + "\n// changed\n")
    assert library.check()
    assert audits["replica-gap"].query.endswith("// changed\n")


def test_files_that_are_wrong_at_the_start_stop_it(files: Path, metrics: Metrics) -> None:
    """There is no older set to fall back on."""
    _edit(files, "mode: Propose", "mode: Automatic")
    with pytest.raises(InvalidInput):
        Library([files / "esql"], [files / "policies"], ManualClock(NOW), metrics)
