"""`remedyd audit lint`: mistakes that a valid query can still make, each with its remedy.

Exit 0 nothing found, 1 findings, 2 invalid input. Needs neither Elasticsearch nor DuckDB.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from remedyd.audits.loader import load_audits
from remedyd.cli.failures import FAILED
from remedyd.documents import did_you_mean
from remedyd.errors import InvalidInput, Problem
from remedyd.paths import shipped

if TYPE_CHECKING:
    from remedyd.offline.catalog import Catalog
    from remedyd.offline.lints import Finding


class Output(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


@dataclass(frozen=True, slots=True)
class Checked:
    """A query file with what was found in it; `skipped` says why it was not looked at."""

    path: str
    findings: "tuple[Finding, ...]" = ()
    skipped: str = ""


_NAMES = typer.Argument(None, help="Audit names, .esql files or directories (default: all audits)")
_AUDITS = typer.Option(None, "--audits", help="Directory with audits; may be repeated")
_MAPPINGS = typer.Option(
    None, "--mappings", help="mappings.json of a recording: finds unknown fields, knows counters"
)
_OUTPUT = typer.Option(Output.TEXT, "--output", "-o", help="text, json or github")


def lint(
    names: list[str] | None = _NAMES,
    audits: list[Path] | None = _AUDITS,
    mappings: Path | None = _MAPPINGS,
    output: Output = _OUTPUT,
) -> None:
    """Look for mistakes in queries that Elasticsearch would accept."""
    catalog = _catalog(mappings) if mappings else None
    places = audits or [shipped("esql")]
    checked = list(_checked(names or (), places, catalog))
    show = {Output.TEXT: _text, Output.JSON: _json, Output.GITHUB: _github}
    typer.echo(show[output](checked))
    if any(one.findings for one in checked):
        raise typer.Exit(FAILED)


def _checked(
    names: Sequence[str], places: Sequence[Path], catalog: "Catalog | None"
) -> Iterator[Checked]:
    known = load_audits(places) if any(not _is_path(name) for name in names) or not names else {}
    if not names:
        for audit in known.values():
            if audit.verbatim:
                yield Checked(audit.query_path, skipped="kept verbatim; ask for it by name")
            else:
                yield _lint(Path(audit.query_path), catalog)
    for name in names:
        path = Path(name)
        if path.is_dir():
            yield from (_lint(file, catalog) for file in _queries(path))
        elif _is_path(name):
            yield _lint(path, catalog)
        elif name in known:
            yield _lint(Path(known[name].query_path), catalog)
        else:
            raise InvalidInput(
                f"no audit {name}{did_you_mean(name, known)}", hint=f"known: {', '.join(known)}"
            )


def _is_path(name: str) -> bool:
    return name.endswith(".esql") or Path(name).is_dir()


def _queries(directory: Path) -> list[Path]:
    found = sorted(directory.rglob("*.esql"))
    if not found:
        raise InvalidInput("", [Problem("no *.esql file below this directory", str(directory))])
    return found


def _lint(path: Path, catalog: "Catalog | None") -> Checked:
    from remedyd.offline import lints
    from remedyd.offline.errors import EsqlError, UnsupportedEsql
    from remedyd.offline.parser import parse

    try:
        return Checked(str(path), lints.lint(parse(_read(path)), catalog))
    except UnsupportedEsql as error:
        return Checked(str(path), skipped=f"line {error.line}: {error.reason}")
    except EsqlError as error:
        problem = Problem(error.reason, str(path), error.line, error.column)
        raise InvalidInput(f"{path} is not ES|QL", [problem], hint=error.hint) from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8 text"
        problem = Problem(f"cannot be read: {reason}", str(path))
        raise InvalidInput(f"{path} cannot be read", [problem]) from error


def _catalog(path: Path) -> "Catalog":
    from remedyd.offline.catalog import Catalog, read_mapping

    text = _read(path)
    try:
        found = json.loads(text)
    except ValueError as error:
        problem = Problem(f"is not JSON: {error}", str(path), getattr(error, "lineno", 0), 1)
        raise InvalidInput(f"{path} is not JSON", [problem]) from error
    if not isinstance(found, dict):
        problem = Problem("must be an object with one mapping per stream", str(path), 1, 1)
        raise InvalidInput(f"{path} holds no mappings", [problem])
    read = {name: read_mapping(name, one, path=str(path), text=text) for name, one in found.items()}
    return Catalog(read)


def _text(checked: Sequence[Checked]) -> str:
    lines: list[str] = []
    for one in checked:
        if one.skipped:
            lines.append(f"{one.path}: not checked: {one.skipped}")
        for finding in one.findings:
            lines += [
                f"{one.path}:{finding}",
                f"  why: {finding.explanation}",
                f"  fix: {finding.fix}",
            ]
    count = sum(len(one.findings) for one in checked)
    looked_at = sum(not one.skipped for one in checked)
    return "\n".join([*lines, f"{looked_at} queries checked, {count} findings"])


def _json(checked: Sequence[Checked]) -> str:
    shown: list[dict[str, Any]] = [
        {
            "path": one.path,
            "skipped": one.skipped,
            "findings": [
                {
                    "lint": finding.lint,
                    "severity": finding.severity.value,
                    "line": finding.line,
                    "column": finding.column,
                    "message": finding.message,
                    "explanation": finding.explanation,
                    "fix": finding.fix,
                }
                for finding in one.findings
            ],
        }
        for one in checked
    ]
    return json.dumps(shown, indent=2)


def _github(checked: Sequence[Checked]) -> str:
    from remedyd.cli.annotations import annotation

    lines = [
        annotation(
            Problem(
                f"{finding.message} [{finding.lint}]\n{finding.explanation}\nfix: {finding.fix}",
                one.path,
                finding.line,
                finding.column,
            ),
            finding.severity.value,
        )
        for one in checked
        for finding in one.findings
    ]
    return "\n".join(lines) or "::notice::no findings"
