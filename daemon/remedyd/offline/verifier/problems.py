"""Errors of verification, worded as Elasticsearch words them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from remedyd.offline.errors import EsqlError, UnsupportedEsql
from remedyd.offline.nodes import Aggregation, Column, Named, Node
from remedyd.offline.plan import Column as PlanColumn
from remedyd.offline.source import Source

ORDINALS = ("first", "second", "third", "fourth", "fifth")


class VerificationError(EsqlError):
    """What is wrong with the meaning of a query; `problems` are all found in one command."""

    def __init__(self, problems: Sequence[EsqlError], source: Source) -> None:
        """Take the single problems, in the order found."""
        first = problems[0]
        offset = 0
        super().__init__(first.reason, source.position(offset), kind=first.type, hint=first.hint)
        self.problems = tuple(problems)
        self.line, self.column = first.line, first.column
        count = len(problems)
        lines = [f"Found {count} problem{'s' if count > 1 else ''}", *map(str, problems)]
        self.args = ("\n".join(lines),)


class Reporter:
    """Makes errors with positions of one query."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def text(self, node: Node) -> str:
        """Return a node as written."""
        return self.source.cut(node.span)

    def error(self, node: Node, reason: str, *, kind: str = "verification_exception") -> EsqlError:
        """Return an error at a node."""
        return EsqlError(reason, self.source.position(node.span.start), kind=kind)

    def unsupported(self, node: Node, feature: str, *, hint: str = "") -> UnsupportedEsql:
        """Return the refusal of something valid at a node."""
        return UnsupportedEsql(feature, self.source.position(node.span.start), hint=hint)

    def unknown_column(self, node: Node, name: str, known: Iterable[str]) -> EsqlError:
        """Return the error for a name that no column has."""
        return self.error(node, f"Unknown column [{name}]{similar(name, known)}")


def conflict_text(column: PlanColumn) -> str:
    """Return the error for a field whose type ES|QL cannot use."""
    found: dict[str, list[str]] = {}
    for stream, leaf in column.leaves.items():
        found.setdefault(leaf.type.value, []).append(stream)
    if len(found) == 1:
        written = next(iter(column.leaves.values())).written
        return f"Cannot use field [{column.name}] with unsupported type [{written}]"
    where = ", ".join(f"[{kind}] in {_some(names)}" for kind, names in sorted(found.items()))
    return (
        f"Cannot use field [{column.name}] due to ambiguities being mapped as "
        f"[{len(found)}] incompatible types: {where}"
    )


def _some(names: list[str]) -> str:
    first, rest = sorted(names)[:3], names[3:]
    more = f" and [{len(rest)}] other indices" if rest else ""
    return f"[{', '.join(first)}]{more}"


def shown_name(named: Named | Aggregation) -> str:
    """Return the name of a column: as given, else a field's own name, else the source text."""
    if named.target is None and isinstance(named.value, Column):
        return named.value.name
    return named.name


def similar(name: str, known: Iterable[str]) -> str:
    """Return `, did you mean [x]?` for the names that look alike, or nothing."""
    folded: dict[str, str] = {}
    for item in known:
        folded.setdefault(item.lower(), item)
    near = [folded[item] for item in get_close_matches(name.lower(), folded, n=5, cutoff=0.7)]
    if not near:
        return ""
    return f", did you mean {f'[{near[0]}]' if len(near) == 1 else f'any of {_java_list(near)}'}?"


def _java_list(items: Sequence[str]) -> str:
    return f"[{', '.join(items)}]"
