"""A YAML document as plain data that still knows where each value was written."""

import re
from collections.abc import Iterable, Iterator
from collections.abc import Sequence as Many
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from remedyd.documents.nodes import Location, Marks, Node, Scalar, Sequence, Table
from remedyd.documents.parser import Parser, position_at
from remedyd.documents.scalars import resolve, source_offset
from remedyd.errors import InvalidInput, Problem

MAX_BYTES = 1 << 20
MAX_NODES = 100_000
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document. Positions count from 1; `loc` is a path of keys and list positions."""

    path: str
    data: dict[str, Any]
    text: str = field(default="", repr=False)
    marks: Marks = field(default_factory=dict, repr=False)

    def position(self, loc: Location) -> tuple[int, int]:
        """Return line and column of the value at `loc`, or of the nearest value around it."""
        node, _ = self._nearest(loc)
        return node.line, node.column

    def key_position(self, loc: Location) -> tuple[int, int]:
        """Return line and column of the key at `loc`; of the value where it has no key."""
        node, key = self._nearest(loc)
        place = key or node
        return place.line, place.column

    def position_in(self, loc: Location, offset: int) -> tuple[int, int]:
        """Return line and column of the character `offset` (from 0) of the text at `loc`."""
        node, _ = self._nearest(loc)
        if not isinstance(node, Scalar):
            return node.line, node.column
        return position_at(self.text, source_offset(node, self.text, offset))

    def _nearest(self, loc: Location) -> tuple[Node, Scalar | None]:
        while loc and loc not in self.marks:
            loc = loc[:-1]
        return self.marks.get(loc, (Scalar("", "", 1, 1, 0, 0), None))


class Damaged(InvalidInput):
    """Whole documents with mistakes in single places: the rest of them can still be checked."""

    def __init__(self, error: InvalidInput, documents: Many[Document]) -> None:
        """Take the mistakes and what could be read around them."""
        super().__init__(error.message, error.problems, hint=error.hint)
        self.documents = tuple(documents)

    def beyond(self, problems: Iterable[Problem]) -> list[Problem]:
        """Return those that stand in other places: the rest only repeats what is told already."""
        told = {(known.line, known.column) for known in self.problems}
        return [found for found in problems if (found.line, found.column) not in told]


def problem(document: Document, loc: Location, message: str, *, at_key: bool = False) -> Problem:
    """Return a problem at the value (or the key) that stands at `loc`."""
    line, column = document.key_position(loc) if at_key else document.position(loc)
    return Problem(message, document.path, line, column)


def read(path: Path, *, shown_as: str = "", limit: int = MAX_BYTES) -> list[Document]:
    """Load a file. Raises InvalidInput when it cannot be read, is not UTF-8 or not valid."""
    name = shown_as or str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _invalid(name, [Problem(f"cannot be read: {reason}", name)]) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _invalid(name, [Problem("is not UTF-8 text", name, line, 1)]) from error
    return load(text, name, limit=limit)


def load(text: str, path: str, *, limit: int = MAX_BYTES) -> list[Document]:
    """Parse every document of `text`; empty ones are left out.

    Raises InvalidInput with all problems: syntax, duplicate keys, ambiguous YAML 1.1 words, merge
    keys, tags, roots that are not mappings, texts over `limit` characters or `MAX_NODES` values;
    Damaged when the rest of the documents could still be read.
    """
    text = _SURROGATE.sub("\ufffd", text.removeprefix("\ufeff"))
    if len(text) > limit:
        raise _invalid(path, [Problem(f"is larger than {limit} characters", path, 1, 1)])
    parser = Parser(text, path)
    roots = [root for root in parser.documents() if not _empty(root)]
    problems = list(parser.problems)
    documents = [_document(root, text, path, problems) for root in roots]
    if not roots and not problems:
        problems.append(Problem("is empty: expected a mapping", path, 1, 1))
    usable = [document for document in documents if document is not None]
    if problems:
        error = _invalid(path, problems)
        raise error if parser.broken else Damaged(error, usable)
    return usable


def _document(root: Node, text: str, path: str, problems: list[Problem]) -> Document | None:
    if not isinstance(root, Table):
        message = "the document must be a mapping of keys to values"
        problems.append(Problem(message, path, root.line, root.column))
        return None
    if sum(1 for _ in _bounded(root)) > MAX_NODES:
        message = f"has more than {MAX_NODES} values once its aliases are expanded"
        problems.append(Problem(message, path, root.line, root.column))
        return None
    marks: dict[Location, tuple[Node, Scalar | None]] = {}
    data = _plain(root, (), None, marks)
    assert isinstance(data, dict)
    return Document(path, data, text, marks)


def _bounded(root: Node) -> Iterator[Node]:
    """Yield the nodes with aliases expanded, at most one more than allowed."""
    stack, seen = [root], 0
    while stack and seen <= MAX_NODES:
        node = stack.pop()
        seen += 1
        yield node
        if isinstance(node, Sequence):
            stack.extend(node.items)
        elif isinstance(node, Table):
            stack.extend(value for _, value in node.entries.values())


def _plain(
    node: Node,
    loc: Location,
    key: Scalar | None,
    marks: dict[Location, tuple[Node, Scalar | None]],
) -> object:
    marks[loc] = (node, key)
    if isinstance(node, Scalar):
        return resolve(node)
    if isinstance(node, Sequence):
        return [_plain(item, (*loc, i), None, marks) for i, item in enumerate(node.items)]
    return {
        name: _plain(value, (*loc, name), key_node, marks)
        for name, (key_node, value) in node.entries.items()
    }


def _empty(root: Node) -> bool:
    return isinstance(root, Scalar) and not root.style and root.value == ""


def _invalid(path: str, problems: list[Problem]) -> InvalidInput:
    ordered = sorted(problems, key=lambda p: (p.line, p.column))
    return InvalidInput(f"{path} cannot be used", ordered, hint="Correct the places listed.")
