"""Query parameters: `?`, `?1`, `?name` as values, `??name` as identifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar, cast

from remedyd.model import Json
from remedyd.offline.errors import EsqlError
from remedyd.offline.nodes import (
    Column,
    Drop,
    FunctionCall,
    Keep,
    NamePattern,
    Node,
    Parameter,
    ParameterKind,
    Query,
    walk,
)
from remedyd.offline.plan import Constant
from remedyd.offline.types import DataType, common
from remedyd.offline.verifier.problems import Reporter, similar

Given = Mapping[str, Json] | Sequence[Json]
_N = TypeVar("_N", bound=Node)


def type_of(value: object) -> DataType | None:
    """Return the type a JSON scalar has as a parameter, or None for what has none."""
    if value is None:
        return DataType.NULL
    if isinstance(value, bool):
        return DataType.BOOLEAN
    if isinstance(value, int):
        if -(2**31) <= value < 2**31:
            return DataType.INTEGER
        return DataType.LONG if -(2**63) <= value < 2**63 else DataType.DOUBLE
    if isinstance(value, float):
        return DataType.DOUBLE
    return DataType.KEYWORD if isinstance(value, str) else None


class Parameters:
    """The values given for a query's placeholders."""

    def __init__(self, given: Given, reporter: Reporter) -> None:
        self.reporter = reporter
        self.named: dict[str, Any] = {}
        self.positional: list[Any] = []
        if isinstance(given, Mapping):
            self.named = dict(given)
        else:
            for item in given:
                if isinstance(item, Mapping):
                    self.named.update(item)
                else:
                    self.positional.append(item)

    def value(self, node: Parameter) -> Constant:
        """Return the constant that stands for a placeholder."""
        given = self._given(node)
        if isinstance(given, Mapping):
            if "value" not in given:
                raise self._wrong(node, "is an identifier, used as a value; write ??")
            given = given["value"]
        items = given if isinstance(given, list | tuple) else [given]
        types = [type_of(item) for item in items]
        known = [item for item in types if item is not None]
        data_type = common(known) if known and len(known) == len(types) else None
        if data_type is None:
            raise self._wrong(node, "is neither a scalar nor a list of scalars of one type")
        if data_type is DataType.DOUBLE:
            items = [float(item) for item in items if item is not None]
        if len(items) == 1:
            return Constant(data_type, multi=False, node=node, value=items[0])
        return Constant(data_type, multi=True, node=node, value=tuple(items))

    def typed(self, node: Parameter, kind: str) -> str | None:
        """Return the name given as `{"identifier": ...}` or `{"pattern": ...}`, else None."""
        given = self._given(node)
        found = given.get(kind) if isinstance(given, Mapping) else None
        return found if isinstance(found, str) else None

    def name(self, node: Parameter) -> str:
        """Return the name that a placeholder in a name's place stands for."""
        if node.identifier:
            return self.identifier(node)
        name = self.typed(node, "identifier")
        if name is None:
            given = self._given(node)
            raise self._wrong(
                node,
                f"with value [{given}] declared as a constant, cannot be used as an identifier or "
                "pattern",
            )
        return name

    def identifier(self, node: Parameter) -> str:
        """Return the name that `??name` stands for."""
        given = self._given(node)
        if isinstance(given, Mapping):
            given = given.get("identifier", given.get("value"))
        if not isinstance(given, str):
            raise self._wrong(node, "must be a string to be used as an identifier")
        return given

    def _given(self, node: Parameter) -> Any:
        if node.kind is ParameterKind.NAMED:
            if node.name in self.named:
                return self.named[node.name]
            hint = similar(node.name, self.named)
            raise self._error(node, f"Unknown query parameter [{node.name}]{hint}")
        values = self.positional or list(self.named.values())
        if node.number <= len(values):
            return values[node.number - 1]
        if node.kind is ParameterKind.ANONYMOUS:
            raise self._error(node, f"Not enough actual parameters {len(values)}")
        raise self._error(
            node,
            f"No parameter is defined for position {node.number}, did you mean any position "
            f"between 1 and {len(values)}?"
            if values
            else f"No parameter is defined for position {node.number}",
        )

    def _error(self, node: Parameter, reason: str) -> EsqlError:
        return self.reporter.error(node, reason, kind="parsing_exception")

    def _wrong(self, node: Parameter, reason: str) -> EsqlError:
        return self._error(node, f"Query parameter [{self.reporter.text(node)}] {reason}")


def bind_identifiers(query: Query, parameters: Parameters) -> Query:
    """Return the query with every placeholder for a name replaced by the name given for it."""
    given = (*parameters.named.values(), *parameters.positional)
    typed = any(isinstance(item, Mapping) for item in given)
    names = typed or any(_stands_for_name(node) for node in walk(query))
    return _bound(query, parameters) if names else query


def _stands_for_name(node: Node) -> bool:
    if isinstance(node, Parameter):
        return node.identifier
    return isinstance(node, Column) and not all(isinstance(part, str) for part in node.parts)


def _bound(node: _N, parameters: Parameters) -> _N:
    if isinstance(node, Column):
        parts = [
            parameters.name(part) if isinstance(part, Parameter) else part for part in node.parts
        ]
        return cast("_N", replace(node, parts=tuple(parts)))
    if isinstance(node, Parameter):
        name = None if node.identifier else parameters.typed(node, "identifier")
        return cast("_N", node if name is None else Column(node.span, (name,)))
    changed: dict[str, Any] = {}
    for item in fields(node):
        value = getattr(node, item.name)
        if isinstance(value, Node):
            changed[item.name] = _bound(value, parameters)
        elif isinstance(value, tuple) and any(isinstance(part, Node) for part in value):
            changed[item.name] = tuple(_each(node, part, parameters) for part in value)
    if isinstance(node, FunctionCall) and node.name_parameter is not None:
        changed["name"] = parameters.identifier(node.name_parameter).upper()
        changed["name_parameter"] = None
    return replace(node, **changed)


def _each(parent: Node, part: Any, parameters: Parameters) -> Any:
    """Return one of several parts bound; where patterns may stand, a name may be one."""
    if not isinstance(part, Node):
        return part
    if isinstance(parent, Keep | Drop) and isinstance(part, Column) and len(part.parts) == 1:
        (only,) = part.parts
        if isinstance(only, Parameter):
            pattern = parameters.typed(only, "pattern")
            if pattern is not None:
                return NamePattern(part.span, tuple(pattern.split("*")))
    return _bound(part, parameters)
