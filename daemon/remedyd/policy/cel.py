"""The one door to the CEL library.

The library has two traps that this module closes. An error is returned as a value, which is true
to Python; so an answer counts only when it is one of
Python's two truth values, which a BOOL alone becomes. And a nullable column can be compared
with null only when it is declared dynamic; so those lose static typing, and a comparison of null
becomes a `Fault` when it is evaluated.

Variables of a condition: the audit's columns, `now`, `target.namespace` and the like (`namespace`
alone is a reserved word of CEL), and the policy's parameters as `params.NAME`. A nullable date is
text, for the library takes no time as a dynamic value: write `timestamp(column)`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cel_expr_python import cel

from remedyd.model.audit import ColumnSpec
from remedyd.model.values import Cell
from remedyd.policy.complaints import Complaint, complaints, fault
from remedyd.policy.families import FAMILIES, Family
from remedyd.policy.names import declarable, mentioned

MAX_LENGTH = 1023

_TYPES: dict[Family, Any] = {
    Family.WHOLE: cel.Type.INT,
    Family.DECIMAL: cel.Type.DOUBLE,
    Family.TRUTH: cel.Type.BOOL,
    Family.TIME: cel.Type.TIMESTAMP,
    Family.TEXT: cel.Type.STRING,
}
_PARAMETER_TYPES: dict[type, Any] = {
    bool: cel.Type.BOOL,
    int: cel.Type.INT,
    float: cel.Type.DOUBLE,
    str: cel.Type.STRING,
}
TARGET_VARIABLES = (
    "target.cluster",
    "target.namespace",
    "target.kind",
    "target.name",
    "target.container",
)

_SIMPLE = frozenset({int, float, str, bool, type(None)})
"""Types of cells that the library takes as they are."""

Parameters = Mapping[str, bool | int | float | str]


@dataclass(frozen=True, slots=True)
class Fault:
    """A condition that gave no answer; never a match."""

    message: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled expression. `columns` are the variables on which its answer may depend.

    `key` is equal for conditions that answer alike: same text, same parameters.
    """

    name: str
    expression: str
    columns: tuple[str, ...]
    key: tuple[object, ...]
    dynamic: frozenset[str] = field(repr=False, compare=False)
    _env: Any = field(repr=False, compare=False)  # the program must not outlive it
    _program: Any = field(repr=False, compare=False)
    _constants: Mapping[str, Any] = field(repr=False, compare=False)
    _timed: bool = field(repr=False, compare=False)

    def test(self, values: tuple[Cell, ...], now: datetime) -> bool | Fault:
        """Evaluate with one value for each of `columns`; `now` is an aware UTC time."""
        data = dict(self._constants)
        for name, value in zip(self.columns, values, strict=True):
            simple = type(value) in _SIMPLE
            data[name] = value if simple else _plain(value, dynamic=name in self.dynamic)
        if self._timed:
            data["now"] = now
        try:
            answer = self._program.eval(data=data)
        except (RuntimeError, TypeError, ValueError, OverflowError) as error:
            return Fault(fault(str(error), ()))
        found = answer.value()
        if found is True or found is False:
            return found
        nulls = [name for name, value in data.items() if value is None]
        return Fault(fault(str(found), nulls))


class Environment:
    """The variables that the conditions of one policy may use."""

    def __init__(self, columns: Mapping[str, ColumnSpec], parameters: Parameters) -> None:
        """Take the audit's columns by name and the policy's parameters."""
        self._constants = {
            f"params.{name}": value
            for name, value in parameters.items()
            if declarable(f"params.{name}")
        }
        specs = {
            name: spec
            for name, spec in columns.items()
            if declarable(name) and spec.type in FAMILIES
        }
        self._dynamic = frozenset(name for name, spec in specs.items() if spec.nullable)
        types = {
            **{name: _type(spec) for name, spec in specs.items()},
            **dict.fromkeys(TARGET_VARIABLES, cel.Type.STRING),
            **{name: _PARAMETER_TYPES[type(value)] for name, value in self._constants.items()},
            "now": cel.Type.TIMESTAMP,
        }
        self._columns = (*(name for name in specs if name != "now"), *TARGET_VARIABLES)
        self._variables = frozenset(types)
        self._env = cel.NewEnv(variables=types)

    def compile(self, name: str, expression: str) -> Condition | list[Complaint]:
        """Return the condition, or every mistake in its expression."""
        if len(expression) > MAX_LENGTH:
            return [Complaint(f"is longer than {MAX_LENGTH} characters")]
        try:
            program = self._env.compile(expression)
        except RuntimeError as error:
            return complaints(str(error), expression, self._variables)
        if program.return_type() != cel.Type.BOOL:
            kind = program.return_type().name()
            hint = ": compare it, as in `column == true`" if kind == "DYN" else ""
            return [Complaint(f"must be true or false, but gives {kind.lower()}{hint}")]
        return Condition(
            name=name,
            expression=expression,
            columns=mentioned(expression, self._columns),
            key=(
                expression,
                *(
                    (k, type(self._constants[k]), self._constants[k])
                    for k in sorted(self._constants)
                ),
            ),
            dynamic=self._dynamic,
            _env=self._env,
            _program=program,
            _constants={
                name: self._constants[name] for name in mentioned(expression, self._constants)
            },
            _timed=bool(mentioned(expression, ("now",))),
        )


def _type(spec: ColumnSpec) -> Any:
    return cel.Type.DYN if spec.nullable else _TYPES[FAMILIES[spec.type]]


def _plain(value: Cell, *, dynamic: bool) -> Any:
    """Turn a cell into what the library takes: no tuples, and no time as a dynamic value."""
    if isinstance(value, tuple):
        return [_plain(item, dynamic=True) for item in value]
    if dynamic and isinstance(value, datetime):
        return value.isoformat()
    return value
