"""Whether a query and its contract fit together; every misfit with file, line and column.

What can only be known by running the query (a misspelt function, a wrong type) is left to
Elasticsearch and comes back as the outcome BadQuery.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from remedyd.audits.definition import GIVEN, SCOPE
from remedyd.audits.outline import MAXIMUM_LIMIT, Outline, Token, plain_name
from remedyd.audits.schema import AuditFile, ParameterType, Spec
from remedyd.documents import Document, did_you_mean, problem
from remedyd.errors import Problem

_SINCE = {
    "LAST": (9, 4),
    "FIRST": (9, 4),
    "INLINE": (9, 3),
    "INLINESTATS": (9, 3),
    "TRANGE": (9, 3),
    "TBUCKET": (9, 4),
    "RATE": (9, 4),
    "LAST_OVER_TIME": (9, 4),
    "LOOKUP": (9, 1),
}
"""The releases in which a command or function became generally available."""

_PYTHON: dict[str, tuple[type, ...]] = {
    "keyword": (str,),
    "date": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "double": (int, float),
}


def fits(value: object, type_name: ParameterType | str) -> bool:
    """Whether a JSON value can stand for a value of the ES|QL type."""
    wanted = _PYTHON[type_name]
    return isinstance(value, wanted) and (bool in wanted or not isinstance(value, bool))


@dataclass(frozen=True, slots=True)
class Subject:
    """One audit under examination: its YAML, its query and the query file's name."""

    document: Document
    file: AuditFile
    outline: Outline
    query_path: str

    @property
    def spec(self) -> Spec:
        """Return the part of the file under `spec`."""
        return self.file.spec

    def yaml(self, message: str, *loc: str | int, at_key: bool = False) -> Problem:
        """Return a problem in the YAML file."""
        return problem(self.document, ("spec", *loc), message, at_key=at_key)

    def text(self, message: str, token: Token | None = None) -> Problem:
        """Return a problem in the query, at a token or at its beginning."""
        line, column = self.outline.position(token.start) if token else (1, 1)
        return Problem(message, self.query_path, line, column)


def check(subject: Subject) -> list[Problem]:
    """Return every misfit between a query and its contract."""
    found = list(_syntax(subject))
    if found:
        return found
    for part in (_parameters, _fields, _columns, _roles, _releases):
        found.extend(part(subject))
    if not subject.spec.verbatim:
        found.extend(_safety(subject))
    return found


def _syntax(subject: Subject) -> Iterator[Problem]:
    outline = subject.outline
    if not outline.commands[0].tokens:
        yield subject.text("is empty: expected a query that begins with FROM")
        return
    first = outline.commands[0].tokens[0]
    if outline.commands[0].name != "FROM":
        yield subject.text(f'must begin with FROM, not with "{first.text}"', first)
    opened: list[Token] = []
    pairs = {")": "(", "]": "["}
    for token in outline.tokens:
        if token.kind == "broken":
            yield subject.text("a text, name or comment that is opened here is not closed", token)
        elif token.text in ("(", "["):
            opened.append(token)
        elif token.text in pairs and (not opened or opened.pop().text != pairs[token.text]):
            yield subject.text(f'"{token.text}" closes nothing', token)
    for token in opened[:1]:
        yield subject.text(f'"{token.text}" is not closed', token)
    for command, after in zip(outline.commands, outline.commands[1:], strict=False):
        if not after.tokens and command.tokens:
            yield subject.text("a command is missing after the pipe", command.tokens[-1])


def _parameters(subject: Subject) -> Iterator[Problem]:
    declared = [p.name for p in subject.spec.parameters]
    used = subject.outline.parameters
    for name, token in used.items():
        if token.text.startswith("??") or not name or name.isdigit():
            yield subject.text(f'"{token.text}": only named values such as ?start are given', token)
        elif name not in declared and name not in GIVEN:
            near = did_you_mean(name, [*declared, *GIVEN])
            yield subject.text(f'the parameter "{name}" is not declared{near}', token)
    for position, parameter in enumerate(subject.spec.parameters):
        at = ("parameters", position)
        if parameter.name in GIVEN:
            yield subject.yaml(f'"{parameter.name}" is given to every audit', *at, "name")
        elif parameter.name not in used:
            yield subject.yaml(f'the query has no "?{parameter.name}"', *at, "name")
        if not fits(parameter.default, parameter.type):
            shown = json.dumps(parameter.default)
            yield subject.yaml(f"must be a {parameter.type}; got {shown}", *at, "default")
    yield from _twice(subject, "parameters", declared)


def _fields(subject: Subject) -> Iterator[Problem]:
    declared = [f.name for f in subject.spec.fields]
    mentioned = subject.outline.mentions()
    for name, token in subject.outline.fields().items():
        if name not in declared:
            near = did_you_mean(name, declared)
            yield subject.text(f'the field "{name}" is not declared under fields{near}', token)
    for position, name in enumerate(declared):
        if name not in mentioned:
            yield subject.yaml(f'the query does not read "{name}"', "fields", position, "name")
    yield from _twice(subject, "fields", declared)


def _columns(subject: Subject) -> Iterator[Problem]:
    declared = [c.name for c in subject.spec.columns]
    yield from _twice(subject, "columns", declared)
    kept = subject.outline.kept
    if kept is None:
        return
    names = {plain_name(token): token for token in kept}
    for name, token in names.items():
        if name not in declared:
            near = did_you_mean(str(name), declared)
            yield subject.text(f'the column "{name}" is not declared under columns{near}', token)
    for position, column in enumerate(declared):
        if column not in names:
            near = did_you_mean(column, [str(name) for name in names])
            message = f'the query does not KEEP "{column}"{near}'
            yield subject.yaml(message, "columns", position, "name")


def _roles(subject: Subject) -> Iterator[Problem]:
    """Check that every column with a part to play is declared, with the type the part needs."""
    spec = subject.spec
    types = {c.name: c.type for c in spec.columns}
    identity: dict[str, Any] = spec.identity.model_dump()
    roles: list[tuple[tuple[str, ...], str | None, tuple[str, ...]]] = [
        *((("identity", part), column, ("keyword",)) for part, column in identity.items()),
        (("severity",), spec.severity, ("integer", "long")),
        (("samples",), spec.samples, ("integer", "long")),
        (("lastSeen",), spec.last_seen, ("date",)),
    ]
    for at, column, allowed in roles:
        if column is None:
            continue
        if column not in types:
            near = did_you_mean(column, types)
            yield subject.yaml(f'"{column}" is not one of the columns{near}', *at)
        elif types[column] not in allowed:
            wanted = " or ".join(allowed)
            yield subject.yaml(f'the column "{column}" must be of type {wanted}', *at)
    if spec.identity.name is None:
        yield subject.yaml("must name the column with the workload's name", "identity", at_key=True)
    for part in ("namespace", "kind"):
        if (identity[part] is None) == (getattr(spec.constants, part) is None):
            message = f'must have "{part}", as a column or under constants, and not both'
            yield subject.yaml(message, "identity", at_key=True)
    if spec.minimum_samples and spec.samples is None:
        yield subject.yaml('needs a column under "samples"', "minimumSamples", at_key=True)
    if spec.freshness and spec.last_seen is None:
        yield subject.yaml('needs a column under "lastSeen"', "freshness", at_key=True)


def _releases(subject: Subject) -> Iterator[Problem]:
    floor = tuple(int(part) for part in subject.spec.elasticsearch.split("."))
    calls = [
        token
        for command in subject.outline.commands
        for token, after in zip(command.tokens, command.tokens[1:], strict=False)
        if token.kind == "name" and (after.text == "(" or token is command.tokens[0])
    ]
    for token in calls:
        since = _SINCE.get(token.text.upper())
        if since and floor < since:
            release = ".".join(map(str, since))
            message = f"{token.text} needs Elasticsearch {release}, the audit says it runs on "
            yield subject.text(message + subject.spec.elasticsearch, token)


def _safety(subject: Subject) -> Iterator[Problem]:
    """Check what makes a result trustworthy: bounded time, bounded rows, one cluster."""
    outline = subject.outline
    for name in ("start", "end"):
        if name not in outline.parameters:
            yield subject.text(f"must bound its time range with ?{name}")
    scope = SCOPE[:1] if subject.spec.gate else SCOPE
    for name in scope:
        if name not in outline.parameters:
            yield subject.text(f'must be able to narrow to ?{name} ("*" means all)')
    if outline.limit is None:
        last = list(outline.tokens)[-1]
        yield subject.text("must end with LIMIT: without it, rows are cut at 1000", last)
    elif outline.limit > MAXIMUM_LIMIT:
        token = next(c.tokens[1] for c in reversed(outline.commands) if c.name == "LIMIT")
        yield subject.text(f"Elasticsearch returns at most {MAXIMUM_LIMIT} rows", token)
    if subject.spec.identity.cluster is None:
        message = 'must have "cluster": rows of several clusters must not be mixed'
        yield subject.yaml(message, "identity", at_key=True)


def _twice(subject: Subject, part: str, names: Sequence[str]) -> Iterator[Problem]:
    counts = Counter(names)
    seen = set[str]()
    for position, name in enumerate(names):
        if counts[name] > 1 and name in seen:
            yield subject.yaml(f'"{name}" is declared twice', part, position, "name")
        seen.add(name)
