"""What the command line prints can be read, piped and copied."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from remedyd import settings
from remedyd.cli import audit, main, tables
from remedyd.errors import InvalidInput

LONG = "Deployment/a-namespace-with-a-long-name/a-workload-with-an-even-longer-name[container]"


def test_a_row_is_one_whole_line_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """Names are neither cut off nor read as markup where no terminal has a width."""
    table = tables.table("TARGET", "REASON")
    table.add_row(LONG, "word " * 60)
    tables.console().print(table)
    [row] = [line for line in capsys.readouterr().out.splitlines() if LONG in line]
    assert row.count("word") == 60


@pytest.mark.parametrize(
    "words", [["replay", ".", "-o", "xml"], ["proposals", "list", "-o", "xml"]], ids=lambda w: w[0]
)
def test_an_unknown_output_is_refused(words: list[str]) -> None:
    """`-o` with another word is a mistake, not a table."""
    result = CliRunner().invoke(main.build(words[0]), words)
    assert isinstance(result.exception, InvalidInput)
    assert "table or json" in result.exception.message


def test_an_audit_runs_at_the_time_of_the_configured_clock(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Against a lab whose time runs faster, the window ends at the lab's now, not at ours."""
    origin = datetime(2030, 5, 1, tzinfo=UTC)
    monkeypatch.setenv("REMEDYD_CLOCK__ORIGIN", origin.isoformat())
    monkeypatch.setenv("REMEDYD_CLOCK__EPOCH", datetime.now(UTC).isoformat())
    monkeypatch.setenv("REMEDYD_ELASTICSEARCH__URL", "http://127.0.0.1:1")
    with audit.opened("", settings.load(None), None) as (_, moment):
        assert abs(moment - origin) < timedelta(minutes=5)


def test_a_source_that_does_not_exist_is_invalid_input(tmp_path: Path) -> None:
    """A wrong path is the caller's mistake: exit 2."""
    words = ["audit", "run", "replica-gap", "--source", str(tmp_path / "none")]
    result = CliRunner().invoke(main.build("audit"), words)
    assert isinstance(result.exception, InvalidInput)
    assert "no such directory" in result.exception.message
