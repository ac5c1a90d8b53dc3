"""One audit's result as columns, prepared once for all policies that judge it.

A condition is pure, so rows with the same values get the same answer: answers are kept by the
values that the condition reads. Real results repeat themselves (mostly zeros and nulls), which
makes the usual evaluation a list lookup instead of a call into the CEL library.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from remedyd.model.audit import AuditResult, AuditRow, ColumnSpec
from remedyd.policy.cel import TARGET_VARIABLES, Condition, Fault
from remedyd.policy.families import FAMILIES, Family

_PYTHON: dict[Family, type] = {
    Family.WHOLE: int,
    Family.DECIMAL: float,
    Family.TRUTH: bool,
    Family.TIME: datetime,
    Family.TEXT: str,
}


@dataclass(frozen=True, slots=True)
class Drift:
    """Stands for a cell that is not of the declared type."""

    found: str


Answer = tuple[bool | Fault, str]
"""A condition's answer about a row, and why it is not true."""


class Frame:
    """The rows of one result, by position, with the answers of conditions about them."""

    def __init__(
        self, result: AuditResult, columns: Mapping[str, ColumnSpec], now: datetime
    ) -> None:
        """Take the result, the audit's declared columns and the time that conditions see."""
        self.result = result
        self.rows: tuple[AuditRow, ...] = result.rows
        self.severities = [int(row.severity) for row in result.rows]
        self.identities = [row.target.identity for row in result.rows]
        self.workloads = [row.target.workload for row in result.rows]
        self.namespaces = [(row.target.cluster, row.target.namespace) for row in result.rows]
        self.places = {(row.target.kind, row.target.namespace) for row in result.rows}
        self.all_named = all(row.target.name for row in result.rows)
        self.now = now
        self._specs = columns
        self._drifted = False
        self._columns: dict[str, list[object]] = {}
        self._coded: dict[tuple[str, ...], tuple[list[int], list[tuple[object, ...]]]] = {}
        self._answers: dict[tuple[object, ...], list[Answer | None]] = {}

    def answers(self, condition: Condition, indices: Sequence[int]) -> list[Answer]:
        """Return the condition's answers about the rows at `indices`, in that order."""
        codes, keys = self._codes_of(condition.columns)
        name = (condition.name, *condition.key)
        known = self._answers.setdefault(name, [None] * len(keys))
        asked = [codes[index] for index in indices]
        for code in set(asked):
            if known[code] is None:
                drift = self._drift(condition, keys[code]) if self._drifted else None
                answer = drift or condition.test(keys[code], self.now)  # type: ignore[arg-type]
                text = "" if answer is True else _sentence(condition, keys[code], answer)
                known[code] = answer, text
        return cast("list[Answer]", [known[code] for code in asked])

    def shown(self, names: tuple[str, ...], index: int) -> str:
        """Show the row's values of these variables."""
        return _listing(names, [self._column(name)[index] for name in names])

    def _drift(self, condition: Condition, key: tuple[object, ...]) -> Fault | None:
        """Return what is wrong with the values; None when all are as declared."""
        for name, value in zip(condition.columns, key, strict=True):
            if isinstance(value, Drift):
                declared = self._specs[name].type
                return Fault(f"{name} is {value.found}, but the audit declares {declared}")
        return None

    def _codes_of(self, names: tuple[str, ...]) -> tuple[list[int], list[tuple[object, ...]]]:
        """Return for each row the number of its values, and the values by number."""
        if names not in self._coded:
            numbers: dict[tuple[object, ...], int] = {}
            rows = zip(*map(self._column, names), strict=True) if names else [()] * len(self.rows)
            codes = [numbers.setdefault(values, len(numbers)) for values in rows]
            self._coded[names] = codes, list(numbers)
        return self._coded[names]

    def _column(self, name: str) -> list[object]:
        if name not in self._columns:
            self._columns[name] = self._read(name)
        return self._columns[name]

    def _read(self, name: str) -> list[object]:
        """Return the cells of a column, of one type only, so that equal keys mean equal values."""
        if name in TARGET_VARIABLES:
            attribute = name.removeprefix("target.")
            return [getattr(row.target, attribute) for row in self.rows]
        cells: list[object] = [row.values.get(name) for row in self.rows]
        spec = self._specs[name]
        wanted = _PYTHON[FAMILIES[spec.type]]
        found = set(map(type, cells))
        if found <= ({wanted, type(None)} if spec.nullable else {wanted}):
            return cells
        self._drifted = True
        return [_checked(cell, wanted, nullable=spec.nullable) for cell in cells]


def _checked(cell: object, wanted: type, *, nullable: bool) -> object:
    if cell is None:
        return None if nullable else Drift("null")
    if isinstance(cell, tuple) and nullable:
        parts = tuple(_checked(item, wanted, nullable=False) for item in cell)
        return next((part for part in parts if isinstance(part, Drift)), parts)
    if type(cell) is int and wanted is float:
        return float(cell)
    return cell if type(cell) is wanted else Drift(_type_name(cell))


def _type_name(cell: object) -> str:
    if isinstance(cell, tuple):
        return "several values"
    family = next((f for f, python in _PYTHON.items() if type(cell) is python), None)
    return str(family) if family else type(cell).__name__


def _sentence(condition: Condition, key: tuple[object, ...], answer: bool | Fault) -> str:
    if isinstance(answer, Fault):
        return f'condition "{condition.name}" gave no answer: {answer.message}'
    read = _listing(condition.columns, key)
    text = f'condition "{condition.name}" is false: {condition.expression}'
    return f"{text} ({read})" if read else text


def _listing(names: Iterable[str], values: Iterable[object]) -> str:
    return ", ".join([f"{n} = {_shown(v)}" for n, v in zip(names, values, strict=True)])


def _shown(value: object) -> str:
    if type(value) in (int, float):
        return str(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
