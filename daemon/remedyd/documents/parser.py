"""From YAML text to nodes with positions.

Built on the events of libyaml rather than on PyYAML's composer: the composer recurses without a
limit in C, forgets duplicate keys and resolves YAML 1.1 words before anyone can object.
"""

from collections.abc import Iterator
from typing import Any

import yaml

from remedyd.documents.nodes import Node, Scalar, Sequence, Table
from remedyd.documents.scalars import trap
from remedyd.errors import Problem

MAX_DEPTH = 40
_NO_POSITION = (1, 1)


class Parser:
    """Reads the documents of one text; `problems` collects what is wrong with it."""

    def __init__(self, text: str, path: str) -> None:
        """Take the text and the name under which problems are reported."""
        self._text = text
        self._path = path
        self._events = _events(text)
        self._anchors: dict[str, Node] = {}
        self.problems: list[Problem] = []
        self.broken = False  # reading ended early: what was read is not the whole

    def documents(self) -> list[Node]:
        """Return the root node of each document; a syntax error ends the list."""
        roots: list[Node] = []
        try:
            for event in self._events:
                if isinstance(event, yaml.DocumentStartEvent):
                    self._anchors = {}
                    roots.append(self._node(next(self._events), 0))
        except yaml.YAMLError as error:
            self.broken = True
            self._syntax(error)
        except _TooDeep as error:
            self.broken = True
            self._add(f"nested more than {MAX_DEPTH} levels deep", *error.position)
        return roots

    def _node(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        line, column = _position(event)
        if depth > MAX_DEPTH:
            raise _TooDeep(line, column)
        if event.tag is not None:
            self._add(f"the tag {event.tag} is not supported: write the value", line, column)
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(line, column, depth)
        else:
            node = self._table(line, column, depth)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any) -> Node:
        line, column = _position(event)
        node = self._anchors.get(event.anchor)
        if node is None:
            self._add(f"the alias *{event.anchor} names no finished anchor", line, column)
            return Scalar("", "", line, column, event.start_mark.index, event.end_mark.index)
        return node

    def _scalar(self, event: Any) -> Scalar:
        style = "" if event.style in (None, "") else event.style
        start, end = event.start_mark.index, event.end_mark.index
        scalar = Scalar(event.value, style, *_position(event), start, end)
        if why := trap(scalar):
            self._add(why, scalar.line, scalar.column)
        return scalar

    def _sequence(self, line: int, column: int, depth: int) -> Sequence:
        node = Sequence(line, column)
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            node.items.append(self._node(event, depth + 1))
        return node

    def _table(self, line: int, column: int, depth: int) -> Table:
        node = Table(line, column)
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            if self._usable(key, node):
                assert isinstance(key, Scalar)
                node.entries[key.value] = (key, value)
        return node

    def _usable(self, key: Node, table: Table) -> bool:
        if not isinstance(key, Scalar):
            self._add("a key must be a word, not a list or a mapping", key.line, key.column)
        elif key.value == "<<" and not key.style:
            self._add("merge keys are not supported: repeat the keys", key.line, key.column)
        elif key.value in table.entries:
            first = table.entries[key.value][0]
            self._add(
                f'duplicate key "{key.value}", first given in line {first.line}',
                key.line,
                key.column,
            )
        else:
            return True
        return False

    def _syntax(self, error: yaml.YAMLError) -> None:
        line, column = self._error_position(error)
        what = getattr(error, "problem", None) or getattr(error, "reason", None)
        what = what or str(error).partition("\n")[0]
        context = getattr(error, "context", None)
        self._add(f"not valid YAML: {what}" + (f" ({context})" if context else ""), line, column)

    def _error_position(self, error: yaml.YAMLError) -> tuple[int, int]:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        if mark is not None:
            return mark.line + 1, mark.column + 1
        offset = getattr(error, "position", None)
        return position_at(self._text, offset) if isinstance(offset, int) else _NO_POSITION

    def _add(self, message: str, line: int, column: int) -> None:
        self.problems.append(Problem(message, self._path, line, column))


class _TooDeep(Exception):
    """Unwinds the parser before Python's own recursion limit would."""

    def __init__(self, line: int, column: int) -> None:
        super().__init__(line, column)
        self.position = (line, column)


def position_at(text: str, offset: int) -> tuple[int, int]:
    """Return the 1-based line and column of a character offset."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def _events(text: str) -> Iterator[Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return iter(yaml.parse(text, Loader=loader))


def _position(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1
