"""The relations a query is put together from, one per step, and how they refer to one another.

Written as subqueries within each other they are planned faster than as a chain of common table
expressions, which is what they are where a step must be looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_MARK = "\0"
_REFERENCE = re.compile(f"{_MARK}(\\w+){_MARK}")


@dataclass(frozen=True, slots=True)
class Relation:
    """The rows after one step. `reused` when several others read them."""

    name: str
    select: str
    reused: bool = False


def reference(name: str) -> str:
    """Return what stands for a relation in SQL until it is resolved; no literal holds it."""
    return f"{_MARK}{name}{_MARK}"


def with_clause(relations: Sequence[Relation]) -> str:
    """Return the WITH clause of some relations, or nothing."""
    text = ",\n".join(map(_defined, relations))
    return f"WITH {named(text)}\n" if text else ""


def _defined(relation: Relation) -> str:
    mode = "MATERIALIZED" if relation.reused else "NOT MATERIALIZED"
    return f"{relation.name} AS {mode} (\n  {relation.select})"


def named(sql: str) -> str:
    """Return SQL with every reference as the name of a common table expression."""
    return sql.replace(_MARK, "")


def nested(sql: str, relations: Sequence[Relation]) -> str:
    """Return SQL with every relation written out where it is read, unless it is reused."""
    known = {relation.name: relation for relation in relations}
    shared = [relation for relation in relations if relation.reused]
    text = ",\n".join(
        f"{relation.name} AS MATERIALIZED (\n  {_inlined(relation.select, known)})"
        for relation in shared
    )
    return f"WITH {text}\n{_inlined(sql, known)}" if text else _inlined(sql, known)


def _inlined(sql: str, known: Mapping[str, Relation]) -> str:
    def written(match: re.Match[str]) -> str:
        relation = known[match[1]]
        return relation.name if relation.reused else f"(\n  {_inlined(relation.select, known)})"

    return _REFERENCE.sub(written, sql)
