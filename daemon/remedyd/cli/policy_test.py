"""`remedyd policy test`: run policy tests and say what differs.

Exit 0 all passed, 1 a test failed or the coverage is too low, 2 the tests cannot be run as written.
Needs neither a cluster nor Elasticsearch.
"""

import re
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

import typer

from remedyd.cli.annotations import annotation
from remedyd.cli.failures import FAILED, INVALID
from remedyd.errors import InvalidInput
from remedyd.paths import shipped


class Output(StrEnum):
    """How the outcome is printed."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    GITHUB = "github"


_PATHS = typer.Argument(None, help="Test files or directories (default: the shipped tests)")
_RUN = typer.Option("", "--run", help="Only cases whose TEST/CASE matches this expression")
_MINIMUM = typer.Option(
    0.0, "--min-coverage", min=0, max=100, help="Percent of branches every policy has to reach"
)
_OUTPUT = typer.Option(Output.TEXT, "--output", "-o", help="text, json, junit or github")


def test(
    paths: list[Path] | None = _PATHS,
    run: str = _RUN,
    min_coverage: float = _MINIMUM,
    output: Output = _OUTPUT,
) -> None:
    """Test policies against rows, telemetry or recordings, without a cluster."""
    from remedyd.testing.policytest import junit, reports
    from remedyd.testing.policytest.loading import load_suites
    from remedyd.testing.policytest.runner import run as run_all
    from remedyd.testing.policytest.summary import summary

    known_pattern(run)
    try:
        suites = load_suites(paths or [shipped("policies") / "tests"])
        found = summary(suites, list(run_all(suites, run)), min_coverage)
    except InvalidInput as error:
        unusable(error, output)
    if not found.results:
        raise InvalidInput(f'no case matches --run "{run}"', hint="matched is TEST/CASE")
    show = {
        Output.TEXT: reports.text,
        Output.JSON: reports.as_json,
        Output.JUNIT: junit.junit,
        Output.GITHUB: reports.github,
    }
    typer.echo(show[output](found))
    if not found.passed:
        raise typer.Exit(FAILED)


def unusable(error: InvalidInput, output: str) -> NoReturn:
    """Tell in the form that was asked for why nothing was run, and exit."""
    from remedyd.testing.policytest import junit, reports

    told = {
        "github": lambda found: "\n".join(map(annotation, found)),
        "json": reports.problems,
        "junit": junit.problems,
    }
    if output not in told or not error.problems:
        raise error
    typer.echo(told[output](error.problems))
    raise typer.Exit(INVALID) from error


def known_pattern(run: str) -> None:
    """Raise InvalidInput unless `run` is a regular expression."""
    try:
        re.compile(run)
    except re.error as error:
        raise InvalidInput(f"--run is not a regular expression: {error}") from error
