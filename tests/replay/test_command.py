"""`remedyd replay` over small recordings: its options, its refusals, and what it shows."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from remedyd.cli.main import main
from remedyd.paths import shipped
from support.telemetry import CLUSTER, record, told

MEMORY = shipped("policies") / "oom-raise-memory.yaml"
KILLS = range(4, 30, 2)
OFTEN = """\
apiVersion: remedyd.io/v1alpha1
kind: RemediationPolicy
metadata: {name: often}
spec:
  audit: {name: container-memory, severities: [critical]}
  steps: [{name: restart, action: {type: Restart, restart: {}}}]
  cooldown: 1m
"""

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifty minutes in which one container is killed again and again."""
    return record(tmp_path_factory.mktemp("plain"), told(range(50), KILLS))


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    def call(*words: object) -> tuple[int, str, str]:
        one = () if "--policies" in words else ("--policies", MEMORY)  # one audit is quick to run
        monkeypatch.setattr(sys, "argv", ["remedyd", "replay", *map(str, (*words, *one))])
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return call


def figures(out: str, policy: str = "oom-raise-memory") -> list[str]:
    """Return the cells of a policy's line."""
    line = next(line for line in out.splitlines() if line.strip().startswith(policy))
    return re.split(r"\s{2,}", line.strip())


def test_a_backtest_is_told_as_a_table(cli: Call, recording: Path) -> None:
    """What was proposed, what had become of it, and what held the rest."""
    code, out, _ = cli(recording, "--every", "2m")
    name, proposals, targets, recovered, rate, flapping, held = figures(out)
    assert (code, name, proposals, targets, recovered) == (0, "oom-raise-memory", "1", "1", "0")
    assert (rate, flapping) == ("0%", "0")
    assert "AlreadyOpen" in held
    assert "Cooldown" in held
    assert "persisted" in out


def test_an_approval_that_takes_long_finds_the_target_recovered(cli: Call, recording: Path) -> None:
    """Nobody did anything, and the row is gone: the change would have been for nothing."""
    _, out, _ = cli(recording, "--every", "2m", "--approval-after", "34m")
    assert figures(out)[3:5] == ["1", "100%"]


def test_what_a_gap_hides_stays_unknown(cli: Call, tmp_path: Path) -> None:
    """A reading long after the approval does not tell what the approver would have met."""
    made = record(tmp_path / "r", told(range(50), KILLS, gap=range(16, 36)))
    _, out, _ = cli(made, "--every", "2m")
    assert (figures(out)[3:5], " unknown " in out) == (["0", "-"], True)


def test_cycles_begin_and_end_where_they_are_told_to(cli: Call, recording: Path) -> None:
    """Windows look back before the first one."""
    times = ("--from", "2026-01-01T00:20:00Z", "--to", "2026-01-01T00:30:00Z")
    _, out, _ = cli(recording, "--every", "5m", *times)
    assert out.startswith("3 cycles from 2026-01-01 00:20:00Z to 2026-01-01 00:30:00Z")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--every", "2h"), "the recording is shorter than --every: it lasts 49m"),
        (("--every", "0s"), "--every: must be longer than nothing"),
        (("--every", "soon"), "--every: must be a duration"),
        (("--from", "soon"), '--from: "soon" is not a time'),
        (("--to", "2026-01-01T00:00:00"), '--to: "2026-01-01T00:00:00" is not a time'),
        (("--from", "2027-01-01T00:00:00Z"), "no cycle lies between --from and --to"),
        (("--plot", "x.png"), "only HTML is written"),
        (("--plot", "/nowhere/x.html"), "/nowhere: no such directory"),
        (("--audits", "nowhere"), "nowhere: no such file or directory"),
        (("-o", "xml"), "--output must be table or json"),
    ],
)
def test_what_cannot_be_done_is_refused(
    cli: Call, recording: Path, options: tuple[str, ...], message: str
) -> None:
    """Before any work, with what to do instead."""
    code, out, err = cli(recording, *options)
    assert (code, out) == (2, "")
    assert message in err


def test_a_policy_over_an_unknown_audit_is_refused(
    cli: Call, recording: Path, tmp_path: Path
) -> None:
    """At its place, with the audit that may have been meant."""
    path = tmp_path / "p.yaml"
    path.write_text(OFTEN.replace("container-memory", "container-memry"))
    code, _, err = cli(recording, "--policies", path)
    assert code == 2
    assert 'p.yaml:5:17: unknown audit "container-memry" (did you mean "container-memory"?)' in err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no recorded stream here"),
        ("", "the recording holds no metrics"),
        ('{"@timestamp":\n', ".ndjson:1:1: line 1 is not JSON"),
    ],
)
def test_a_recording_that_cannot_be_used_is_refused(
    cli: Call, tmp_path: Path, content: str | None, message: str
) -> None:
    """An empty directory, an empty stream, a broken line."""
    if content is not None:
        (tmp_path / f"{CLUSTER}.ndjson").write_text(content)
    code, _, err = cli(tmp_path)
    assert code == 2
    assert message in err


def test_documents_may_come_in_any_order(cli: Call, recording: Path, tmp_path: Path) -> None:
    """A recording put together from several exports gives the same."""
    backwards = record(tmp_path / "r", reversed(list(told(range(50), KILLS))))
    assert cli(backwards, "--every", "2m")[1] == cli(recording, "--every", "2m")[1]


def test_two_clusters_in_one_recording_need_a_name(cli: Call, tmp_path: Path) -> None:
    """Without it nothing is proposed; with it the other cluster's telemetry is left out."""
    made = record(tmp_path / "r", told(range(50), KILLS), told(range(50), (), "d"))
    _, out, _ = cli(made, "--every", "2m")
    assert (figures(out)[1], "ForeignCluster" in out) == ("0", True)
    _, out, _ = cli(made, "--every", "2m", "--cluster", "c")
    assert (figures(out)[1], "ForeignCluster" in out) == ("1", False)


def test_a_single_cycle_is_no_reason_for_a_notice(cli: Call, recording: Path) -> None:
    """There is no next window to foresee."""
    _, out, _ = cli(recording, "--every", "30m")
    assert out.startswith("1 cycle from")
    assert "note:" not in out


def test_two_sets_of_policies_are_compared(cli: Call, recording: Path, tmp_path: Path) -> None:
    """Side by side, in the terminal, on the page and as JSON."""
    path, plot, report = (tmp_path / name for name in ("often.yaml", "p.html", "r.json"))
    path.write_text(OFTEN)
    options = ("--every", "2m", "--against", path, "--plot", plot, "--report", report)
    code, out, _ = cli(recording, *options)
    assert code == 0
    assert figures(out, "often")[1] == "- | 2"
    first, second = json.loads(report.read_text(encoding="utf-8"))["sets"]
    assert len(second["proposals"]) > len(first["proposals"]) == 1
    page = plot.read_text(encoding="utf-8")
    assert str(path) in page
    assert not re.search(r"<script|<link|src=|url\(|https?://", page)


def test_a_comparison_names_what_only_one_set_would_do(
    cli: Call, recording: Path, tmp_path: Path
) -> None:
    """Figures side by side, a dash for a policy that a set does not have."""
    path = tmp_path / "often.yaml"
    path.write_text(OFTEN)
    _, out, _ = cli(recording, "--every", "2m", "--against", path)
    assert figures(out)[1:4] == ["1 | -", "1 | -", "0% | -"]
    differing = out[out.index("Proposed differently") :]
    assert re.search(r"oom-raise-memory +Deployment/shop/cart\[app\] +1 \| 0", differing)
