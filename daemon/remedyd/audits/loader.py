"""Audit files into definitions, with every mistake of every file reported at once."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from remedyd.audits.checks import Subject, check
from remedyd.audits.definition import AuditDefinition, AuditSet, define
from remedyd.audits.outline import outline
from remedyd.audits.schema import AuditFile
from remedyd.documents import Damaged, Document, problem, read, validate
from remedyd.errors import InvalidInput, Problem

MAX_QUERY_BYTES = 100_000
Syntax = Callable[[str], Problem | None]
"""A second opinion on a query's text: the mistake in it, if there is one."""


def load_audits(directory: Path | Sequence[Path], *, syntax: Syntax | None = None) -> AuditSet:
    """Load `*.yaml` of one or several directories (or single files).

    `syntax` may parse the queries for real; without it they are only looked over. Raises
    InvalidInput with every problem found, in the order of files, lines and columns.
    """
    places = [directory] if isinstance(directory, Path) else list(directory)
    problems: list[Problem] = []
    found: dict[str, AuditDefinition] = {}
    for path in _files(places, problems):
        try:
            definition, document = load_audit(path, syntax)
        except InvalidInput as error:
            problems += error.problems
            continue
        first = found.setdefault(definition.name, definition)
        if first is not definition:
            message = f'the audit "{definition.name}" is also in {first.path}'
            problems.append(problem(document, ("metadata", "name"), message))
        other = next((d for d in found.values() if d.gate and d is not definition), None)
        if definition.gate and other:
            message = f'"{other.name}" is already the gate; there can be one'
            problems.append(problem(document, ("spec", "gate"), message))
    if problems:
        raise InvalidInput(
            f"{len(problems)} problems in the audits" if len(problems) > 1 else str(problems[0]),
            problems,
            hint="Correct the places listed.",
        )
    return AuditSet(found)


def load_audit(path: Path, syntax: Syntax | None = None) -> tuple[AuditDefinition, Document]:
    """Load one audit from its YAML file; raise InvalidInput with all its problems."""
    try:
        documents = read(path)
    except Damaged as error:
        raise _invalid(path, [*error.problems, *error.beyond(_shapes(error))]) from None
    document = documents[0]
    if len(documents) > 1:
        line, column = documents[1].position(())
        raise _invalid(path, [Problem("must hold one audit", str(path), line, column)])
    file = validate(document, AuditFile)
    problems = []
    if file.metadata.name != path.stem:
        message = f'must be "{path.stem}", as the file is called'
        problems.append(problem(document, ("metadata", "name"), message))
    query_path = path.with_name(file.spec.query or f"{path.stem}.esql")
    text = _query(document, query_path)
    subject = Subject(document, file, outline(text), str(query_path))
    problems += check(subject)
    mistake = syntax(text) if syntax is not None and not problems else None
    if mistake is not None:
        problems.append(replace(mistake, path=str(query_path)))
    if problems:
        raise _invalid(path, problems)
    return define(file, subject.outline, path, query_path), document


def _shapes(error: Damaged) -> list[Problem]:
    """Return what is wrong with the shape of documents that have mistakes in single places."""
    found: list[Problem] = []
    for document in error.documents:
        try:
            validate(document, AuditFile)
        except InvalidInput as wrong:
            found.extend(wrong.problems)
    return found


def _files(places: Sequence[Path], problems: list[Problem]) -> list[Path]:
    files: list[Path] = []
    for place in places:
        if place.is_file():
            files.append(place)
        elif place.is_dir():
            files += sorted((*place.glob("*.yaml"), *place.glob("*.yml")))
        else:
            problems.append(Problem("no such file or directory", str(place)))
    if not files and not problems:
        problems.append(Problem("no audit (*.yaml) found", ", ".join(map(str, places))))
    return files


def _query(document: Document, path: Path) -> str:
    at = ("spec", "query") if "query" in document.data.get("spec", {}) else ("metadata", "name")
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        message = f"the query {path.name} cannot be read: {reason}"
        raise _invalid(path, [problem(document, at, message)]) from error
    if len(raw) > MAX_QUERY_BYTES:
        raise _invalid(path, [Problem(f"is larger than {MAX_QUERY_BYTES} bytes", str(path), 1, 1)])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _invalid(path, [Problem("is not UTF-8 text", str(path), line, 1)]) from error


def _invalid(path: Path, problems: Sequence[Problem]) -> InvalidInput:
    ordered = sorted(problems, key=lambda p: (p.path, p.line, p.column))
    return InvalidInput(f"{path} cannot be used", ordered, hint="Correct the places listed.")
