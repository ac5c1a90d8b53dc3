"""From policy files to a `PolicySet`, or to every mistake in them at once.

A document is checked twice, independently: its shape against the schema, and its expressions
against the audit's columns. The second works on the raw document, so that a misspelt column is
reported together with a misspelt key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from remedyd import documents
from remedyd.documents import Damaged, Document, did_you_mean, problem
from remedyd.errors import InvalidInput, Problem
from remedyd.model.audit import ColumnSpec
from remedyd.model.decision import ActionRequest
from remedyd.model.values import sha256
from remedyd.policy.cel import MAX_LENGTH, Condition, Environment
from remedyd.policy.policy import Policy, PolicySet, Step
from remedyd.policy.schema import PolicyFile, member_name, policy_model

Columns = Mapping[str, Mapping[str, ColumnSpec]]
"""The columns of every known audit: audit -> column -> specification."""

_Location = tuple[str | int, ...]
_CONDITIONS: _Location = ("spec", "matchConditions")
_STEPS: _Location = ("spec", "steps")


def load_policies(
    paths: Path | Sequence[Path],
    *,
    audits: Columns,
    actions: Mapping[str, type[BaseModel]],
) -> PolicySet:
    """Load files and directories (`*.yaml`, not their subdirectories).

    `audits` gives the columns that conditions may use, `actions` the parameters of each type.
    Raises InvalidInput with every problem of every file.
    """
    loader = Loader(audits, actions)
    for path in _files([paths] if isinstance(paths, Path) else paths, loader.problems):
        try:
            read = documents.read(path)
        except InvalidInput as error:
            loader.reject(error)
        else:
            for document in read:
                loader.add(document)
    return loader.finish()


def parse_policies(
    text: str,
    path: str,
    *,
    audits: Columns,
    actions: Mapping[str, type[BaseModel]],
) -> PolicySet:
    """Load the policies in `text`, reported as `path`; raises InvalidInput like the above."""
    loader = Loader(audits, actions)
    try:
        read = documents.load(text, path)
    except InvalidInput as error:
        loader.reject(error)
    else:
        for document in read:
            loader.add(document)
    return loader.finish()


@dataclass(slots=True)
class Loader:
    """Collects policies and problems over several documents."""

    audits: Columns
    actions: Mapping[str, type[BaseModel]]
    problems: list[Problem] = field(default_factory=list)
    policies: dict[str, Policy] = field(default_factory=dict)
    _model: type[PolicyFile] = field(init=False)

    def __post_init__(self) -> None:
        """Build the schema once for all documents."""
        self._model = policy_model(self.actions)

    def add(self, document: Document) -> None:
        """Check one document; keep the policy if nothing is wrong with it."""
        before = len(self.problems)
        parsed = self._shape(document)
        conditions = _Conditions(document, self._columns(document), self.problems)
        compiled = conditions.listed()
        whens = conditions.whens()
        for loc in (_CONDITIONS, _STEPS):
            self.problems.extend(_twice(document, loc))
        name = dig(document.data, ("metadata", "name"))
        if isinstance(name, str) and name in self.policies:
            first = self.policies[name]
            where = f"{first.path}:{first.line}"
            message = f'the policy "{name}" is already defined in {where}'
            self.problems.append(problem(document, ("metadata", "name"), message))
        if parsed is not None and len(self.problems) == before:
            self._keep(document, parsed, compiled, whens)

    def reject(self, error: InvalidInput) -> None:
        """Report a file that cannot be read, and what else is wrong with it where that is known."""
        further = Loader(self.audits, self.actions)
        for document in error.documents if isinstance(error, Damaged) else ():
            further.add(document)
        self.problems.extend(error.problems)
        if isinstance(error, Damaged):
            self.problems.extend(error.beyond(further.problems))

    def finish(self) -> PolicySet:
        """Return the policies; raise InvalidInput if anything was wrong."""
        if self.problems:
            ordered = sorted(dict.fromkeys(self.problems), key=lambda p: (p.path, p.line, p.column))
            count = "a problem" if len(ordered) == 1 else f"{len(ordered)} problems"
            raise InvalidInput(f"{count} in policies", ordered, hint="Correct the places listed.")
        return PolicySet(tuple(self.policies.values()))

    def _shape(self, document: Document) -> PolicyFile | None:
        try:
            return documents.validate(document, self._model)
        except InvalidInput as error:
            self.problems.extend(error.problems)
            return None

    def _columns(self, document: Document) -> Mapping[str, ColumnSpec] | None:
        """Return the columns of the document's audit; None when it is not known."""
        loc = ("spec", "audit", "name")
        name = dig(document.data, loc)
        if not isinstance(name, str):
            return None
        if name not in self.audits:
            known = did_you_mean(name, self.audits) or f"; known are {', '.join(self.audits)}"
            self.problems.append(problem(document, loc, f'unknown audit "{name}"{known}'))
            return None
        return self.audits[name]

    def _keep(
        self,
        document: Document,
        parsed: PolicyFile,
        conditions: Sequence[Condition],
        whens: Mapping[int, Condition],
    ) -> None:
        steps = tuple(
            Step.of(spec, whens.get(index), _request(document, index))
            for index, spec in enumerate(parsed.spec.steps)
        )
        name = parsed.metadata.name
        self.policies[name] = Policy(
            name=name,
            spec=parsed.spec,
            conditions=tuple(conditions),
            steps=steps,
            columns=self.audits[parsed.spec.audit.name],
            hash=sha256(document.data),
            path=document.path,
            line=document.position(("metadata", "name"))[0],
        )


class _Conditions:
    """Compiles the expressions of one document, whatever else is wrong with it."""

    def __init__(
        self,
        document: Document,
        columns: Mapping[str, ColumnSpec] | None,
        problems: list[Problem],
    ) -> None:
        """Take the document, its audit's columns if known, and where problems go."""
        self._document = document
        self._problems = problems
        self._environment = None
        if columns is not None:
            self._environment = Environment(columns, _parameters(document))

    def listed(self) -> list[Condition]:
        """Compile `spec.matchConditions`."""
        found = [
            self._compile(str(dig(item, ("name",))), (*_CONDITIONS, index, "expression"))
            for index, item in enumerate(_items(self._document, _CONDITIONS))
        ]
        return [condition for condition in found if condition is not None]

    def whens(self) -> dict[int, Condition]:
        """Compile the `when` of each step that has one, by the step's position."""
        found = {
            index: self._compile(f"{dig(item, ('name',))}.when", (*_STEPS, index, "when"))
            for index, item in enumerate(_items(self._document, _STEPS))
        }
        return {index: condition for index, condition in found.items() if condition is not None}

    def _compile(self, name: str, loc: _Location) -> Condition | None:
        expression = dig(self._document.data, loc)
        if self._environment is None or not isinstance(expression, str):
            return None
        if not expression or len(expression) > MAX_LENGTH:
            return None  # the schema says so
        compiled = self._environment.compile(name, expression)
        if isinstance(compiled, Condition):
            return compiled
        for complaint in compiled:
            line, column = self._document.position_in(loc, complaint.offset)
            text = f"in {name}: {complaint.message}"
            self._problems.append(Problem(text, self._document.path, line, column))
        return None


def _parameters(document: Document) -> dict[str, bool | int | float | str]:
    given = dig(document.data, ("spec", "audit", "parameters"))
    simple = (bool, int, float, str)
    items = given.items() if isinstance(given, dict) else ()
    return {name: value for name, value in items if isinstance(value, simple)}


def dig(data: object, loc: _Location) -> Any:
    """Return what stands at `loc`, None where there is nothing."""
    for part in loc:
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def _items(document: Document, loc: _Location) -> list[object]:
    found = dig(document.data, loc)
    return found if isinstance(found, list) else []


def _twice(document: Document, loc: _Location) -> list[Problem]:
    seen: dict[str, int] = {}
    problems = []
    for index, item in enumerate(_items(document, loc)):
        name = dig(item, ("name",))
        if not isinstance(name, str):
            continue
        if name in seen:
            line, _ = document.position((*loc, seen[name], "name"))
            message = f'the name "{name}" is already used in line {line}'
            problems.append(problem(document, (*loc, index, "name"), message))
        seen.setdefault(name, index)
    return problems


def _request(document: Document, index: int) -> ActionRequest:
    action = dig(document.data, (*_STEPS, index, "action"))
    kind = str(action["type"])
    return ActionRequest(kind, dict(action.get(member_name(kind)) or {}))


def _files(paths: Sequence[Path], problems: list[Problem]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix in (".yaml", ".yml"))
            if not inside:
                problems.append(Problem("the directory contains no *.yaml file", str(path)))
            found.extend(inside)
        else:
            found.append(path)
    return list(dict.fromkeys(found))
