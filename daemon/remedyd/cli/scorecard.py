"""`remedyd scorecard`: grade policies against incidents whose right answer is known.

Exit 0 as good as asked for, 1 not, 2 the scenarios cannot be run as written. Needs neither a
cluster nor Elasticsearch.
"""

from enum import StrEnum
from pathlib import Path

import typer

from remedyd.cli import policy_test
from remedyd.cli.failures import FAILED
from remedyd.errors import InvalidInput
from remedyd.paths import shipped


class Output(StrEnum):
    """How the card is printed."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    MARKDOWN = "markdown"


_PATHS = typer.Argument(None, help="Scorecard files or directories (default: the shipped ones)")
_POLICIES = typer.Option(None, "--policies", help="Policies to grade (default: those of the files)")
_AUDITS = typer.Option(None, "--audits", help="Audit directories (default: those of the files)")
_GUARDRAILS = typer.Option(None, "--guardrails", help="Guardrails file, in place of the files' own")
_RUN = typer.Option("", "--run", help="Only scenarios whose FILE/SCENARIO matches this expression")
_RECALL = typer.Option(1.0, "--min-recall", min=0, max=1, help="Share that has to be detected")
_PRECISION = typer.Option(
    1.0, "--min-precision", min=0, max=1, help="Share of the proposals that has to be right"
)
_FORBIDDEN = typer.Option(
    0, "--max-forbidden", min=0, max=0, help="Always 0: one forbidden proposal fails"
)
_OUTPUT = typer.Option(Output.TEXT, "--output", "-o", help="text, json, junit or markdown")


def scorecard(
    paths: list[Path] | None = _PATHS,
    policies: list[Path] | None = _POLICIES,
    audits: list[Path] | None = _AUDITS,
    guardrails: Path | None = _GUARDRAILS,
    run: str = _RUN,
    min_recall: float = _RECALL,
    min_precision: float = _PRECISION,
    max_forbidden: int = _FORBIDDEN,  # refused above 0 by its range
    output: Output = _OUTPUT,
) -> None:
    """Grade policies against incidents with known right answers."""
    from remedyd.policy.guardrails import load_guardrails
    from remedyd.testing.policytest.loading import Instead, load_suites
    from remedyd.testing.scorecard import reports
    from remedyd.testing.scorecard.card import Card, Demand
    from remedyd.testing.scorecard.card import run as run_all
    from remedyd.testing.scorecard.scenarios import SCORECARDS

    policy_test.known_pattern(run)
    try:
        rails = load_guardrails(guardrails) if guardrails else None
        instead = Instead(tuple(policies or ()), tuple(audits or ()), rails)
        suites = load_suites(paths or [shipped("policies") / "scorecard"], SCORECARDS, instead)
        card = Card(tuple(run_all(suites, run)), Demand(min_recall, min_precision))
    except InvalidInput as error:
        policy_test.unusable(error, output)
    if not card.scored:
        raise InvalidInput(f'no scenario matches --run "{run}"', hint="matched is FILE/SCENARIO")
    show = {
        Output.TEXT: reports.text,
        Output.JSON: reports.as_json,
        Output.JUNIT: reports.as_junit,
        Output.MARKDOWN: reports.markdown,
    }
    typer.echo(show[output](card))
    if not card.passed:
        raise typer.Exit(FAILED)
