"""`remedyd policy`: check policy files, say what they do, print their schema.

Exit 0 ok, 2 invalid input. Needs neither a cluster nor Elasticsearch.
"""

import json
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from remedyd.actions.registry import SCHEMAS
from remedyd.audits.loader import load_audits
from remedyd.cli import policy_test
from remedyd.cli.annotations import annotation
from remedyd.cli.failures import INVALID
from remedyd.errors import InvalidInput, Problem
from remedyd.paths import shipped
from remedyd.policy.explain import explain as in_words
from remedyd.policy.guardrails.schema import GuardrailsFile
from remedyd.policy.loader import load_policies
from remedyd.policy.policy import PolicySet
from remedyd.policy.schema import json_schema, schema_of

app = typer.Typer(no_args_is_help=True)
app.command("test")(policy_test.test)


class Output(StrEnum):
    """How problems are printed."""

    TEXT = "text"
    GITHUB = "github"
    JSON = "json"


_PATHS = typer.Argument(None, help="Policy files or directories (default: the shipped ones)")
_AUDITS = typer.Option(None, "--audits", help="Directory of audits (default: the shipped ones)")


@app.command()
def validate(
    paths: list[Path] | None = _PATHS,
    audits: list[Path] | None = _AUDITS,
    output: Output = typer.Option(Output.TEXT, "--output", "-o", help="text, github or json"),
) -> None:
    """Check policies and report every mistake with its place."""
    try:
        loaded = _load(paths, audits)
    except InvalidInput as error:
        _report(error.problems, output)
        raise typer.Exit(INVALID) from error
    if output is Output.JSON:
        typer.echo(json.dumps({"valid": True, "policies": list(loaded), "problems": []}))
    else:
        typer.echo(f"{len(loaded)} policies are valid: {', '.join(loaded)}")


@app.command()
def explain(
    paths: list[Path] | None = _PATHS,
    audits: list[Path] | None = _AUDITS,
    name: str = typer.Option("", "--name", help="Only the policy of this name"),
) -> None:
    """Say in words what policies do."""
    loaded = _load(paths, audits)
    wanted = [loaded.find(name)] if name else list(loaded.values())
    typer.echo("\n\n".join(in_words(policy) for policy in wanted))


class Kind(StrEnum):
    """A kind of file that has a schema."""

    POLICY = "RemediationPolicy"
    TEST = "PolicyTest"
    SCORECARD = "Scorecard"
    GUARDRAILS = "Guardrails"


@app.command()
def schema(
    kind: Kind = typer.Option(
        Kind.POLICY, "--kind", help="RemediationPolicy, PolicyTest, Scorecard or Guardrails"
    ),
) -> None:
    """Print the JSON Schema of policies, their tests, scorecards or guardrails, for editors."""
    typer.echo(schema_text(kind), nl=False)


def schema_text(kind: Kind = Kind.POLICY) -> str:
    """Return the JSON Schema as it is committed beside the shipped policies."""
    return json.dumps(_schema(kind), indent=2, ensure_ascii=False) + "\n"


def _schema(kind: Kind) -> dict[str, Any]:
    if kind is Kind.POLICY:
        return json_schema(SCHEMAS)
    if kind is Kind.GUARDRAILS:
        return schema_of(GuardrailsFile)
    from remedyd.testing.policytest.schema import PolicyTestFile
    from remedyd.testing.scorecard.schema import ScorecardFile

    return schema_of(PolicyTestFile if kind is Kind.TEST else ScorecardFile)


def _load(paths: list[Path] | None, audits: list[Path] | None) -> PolicySet:
    known = load_audits(audits or [shipped("esql")])
    return load_policies(paths or [shipped("policies")], audits=known.specs, actions=SCHEMAS)


def _report(problems: tuple[Problem, ...], output: Output) -> None:
    if output is Output.JSON:
        found = [
            {"path": p.path, "line": p.line, "column": p.column, "message": p.message}
            for p in problems
        ]
        typer.echo(json.dumps({"valid": False, "policies": [], "problems": found}))
        return
    for problem in problems:
        typer.echo(annotation(problem) if output is Output.GITHUB else str(problem))
