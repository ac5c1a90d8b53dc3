"""Documents gathered into rows, new fields mapped on the way.

A document is a tree; a row is flat, one entry per leaf. What a path means is looked up once
per batch and path, since thousands of documents share a few dozen paths. Most of a document is
what others carry, too (their resource, their scope): a row consists of parts, and such a part is
read once, kept once and later written as text once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from remedyd.offline.catalog import Leaf, Schema
from remedyd.offline.catalog.dynamic import dynamic_leaf
from remedyd.offline.sources.values import Convert, Malformed, Stored, converter, several
from remedyd.offline.types import DataType

Part = dict[str, "Stored | list[Stored]"]
"""Values by path. Rows that share one share the object."""
Row = tuple[Part, ...]
"""One document: no path is in two of its parts."""
_NESTED = (dict, list)
_JUDGED = 32
"""So many objects under a key, none of them shared, and the next ones are not expected to be."""


class BadDocument(ValueError):
    """A document that Elasticsearch would reject; the message says why."""


@dataclass(slots=True)
class _Branches:
    """The objects under one key of the documents, by identity.

    They are kept with what was read, so that none of them makes room for another of the same id.
    """

    prefix: str
    read: dict[int, tuple[Mapping[str, Any], Part]] = field(default_factory=dict)
    shared: bool = False
    unlike: bool = False

    def keep(self, branch: Mapping[str, Any], part: Part) -> tuple[Mapping[str, Any], Part]:
        """Remember an object; when the first of them are all different, no more are kept."""
        self.unlike = not self.shared and len(self.read) >= _JUDGED
        known = self.read[id(branch)] = (branch, part)
        return known


class Batch:
    """Rows of one stream, and its schema as these documents leave it."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.rows: list[Row] = []
        self._leaves = dict(schema.leaves)
        self._readers: dict[str, tuple[Leaf, Convert] | None] = {}
        self._branches: dict[str, _Branches] = {}
        self._mapped: list[tuple[str, Leaf | None]] = []

    def add(self, document: Mapping[str, Any], templates: Mapping[str, str] | None = None) -> None:
        """Add one document; `templates` names the dynamic template per new path.

        Objects that many documents share (their resource, their scope) are read once, so they
        must not change while the batch is filled. Raises BadDocument and leaves the batch as it
        was.
        """
        try:
            self.rows.append(self._row(document, templates))
        except BadDocument:
            self._undo()
            raise
        self._mapped.clear()

    def _undo(self) -> None:
        """Forget the fields that a document would have mapped, and what was read with them."""
        for path, before in reversed(self._mapped):
            self._readers.pop(path, None)
            if before is None:
                self._leaves.pop(path)
            else:
                self._leaves[path] = before
        self._mapped.clear()
        self._branches.clear()

    def _map(self, path: str, leaf: Leaf) -> None:
        self._mapped.append((path, self._leaves.get(path)))
        self._leaves[path] = leaf

    def _row(self, document: Mapping[str, Any], templates: Mapping[str, str] | None) -> Row:
        own: Part = {}
        parts = [own]
        if any("." in key for key in document):  # "a.b" beside "a": a path may be there twice
            self._read(document, "", templates, own)
            document = {}
        for key, value in document.items():
            if not isinstance(value, _NESTED):
                if value is not None:
                    self._put(key, value, templates, own)
            elif isinstance(value, list):
                self._read({key: value}, "", templates, own)
            elif value:
                self._branch(key, value, templates, parts)
        return tuple(parts)

    def _branch(
        self,
        key: str,
        branch: Mapping[str, Any],
        templates: Mapping[str, str] | None,
        parts: list[Part],
    ) -> None:
        """Read an object into a part of its own, or with the rest where such are never shared."""
        known = self._branches.get(key)
        if known is None:
            known = self._branches[key] = _Branches(f"{key}.")
        if known.unlike:
            self._read(branch, known.prefix, templates, parts[0])
            return
        read = known.read.get(id(branch))
        if read is None:
            part: Part = {}
            self._read(branch, known.prefix, templates, part)
            read = known.keep(branch, part)
        else:
            known.shared = True
        parts.append(read[1])

    def _read(
        self,
        branch: Mapping[str, Any],
        prefix: str,
        templates: Mapping[str, str] | None,
        part: Part,
    ) -> None:
        for key, value in branch.items():
            if not isinstance(value, _NESTED):
                if value is not None:
                    self._put(prefix + key, value, templates, part)
                continue
            for path, inner in leaves({key: value}, prefix):
                if inner is not None:
                    self._put(path, inner, templates, part)

    def _put(
        self, path: str, value: object, templates: Mapping[str, str] | None, part: Part
    ) -> None:
        try:
            reader = self._readers[path]
        except KeyError:
            reader = self._readers[path] = self._reader(path, value, templates)
        if reader is not None:
            stored = self._stored(path, value, *reader)
            if stored is not None:
                part[path] = stored

    def finish(self) -> Schema:
        """Return the schema with new fields; rows of multivalued fields are lists from now on."""
        changed = {
            path: leaf
            for path, leaf in self._leaves.items()
            if self.schema.leaves.get(path) != leaf
        }
        if changed:
            self.schema = self.schema.with_leaves(changed)
        multi = [leaf.path for leaf in self._leaves.values() if leaf.multi]
        for part in distinct(self.rows) if multi else ():
            for path in multi:
                value = part.get(path)
                if value is not None and not isinstance(value, list):
                    part[path] = [value]
        return self.schema

    def _reader(
        self, path: str, value: object, templates: Mapping[str, str] | None
    ) -> tuple[Leaf, Convert] | None:
        leaf = self._leaves.get(path)
        if leaf is None:
            self._refuse_shape(path)
            template = (templates or {}).get(path, "")
            leaf = dynamic_leaf(self.schema, path, value, template)
            if leaf is None:
                return None
            self._map(path, leaf)
        convert = converter(leaf.type)
        return None if convert is None or leaf.constant is not None else (leaf, convert)

    def _refuse_shape(self, path: str) -> None:
        """Raise BadDocument for a value where an object is, or the other way round.

        Passthrough objects hold dotted names side by side: `a` and `a.b` are two fields there.
        """
        container = self.schema.container_of(path)
        if container is not None and container.priority is not None:
            return
        around = path.rpartition(".")[0]
        while around:
            if around in self._leaves and self._leaves[around].path == around:
                kind = self._leaves[around].type.value
                raise BadDocument(f"failed to parse field [{around}] of type [{kind}]: an object")
            around = around.rpartition(".")[0]
        if any(known.startswith(f"{path}.") for known in self._leaves):
            raise BadDocument(
                f"object mapping for [{path}] tried to parse field [{path}] as object, "
                "but found a concrete value"
            )

    def _stored(
        self, path: str, value: object, leaf: Leaf, convert: Convert
    ) -> Stored | list[Stored]:
        try:
            if not isinstance(value, list):
                return convert(value)
            values = several([convert(item) for item in value if item is not None], leaf.type)
        except Malformed as problem:
            if self.schema.ignore_malformed and leaf.type is not DataType.DATE:
                return None
            kind = leaf.type.value
            reason = f"failed to parse field [{path}] of type [{kind}]: {problem.args[0]!r}"
            raise BadDocument(reason) from problem
        if len(values) > 1 and not leaf.multi:
            self._map(path, replace(leaf, multi=True))
            self._readers[path] = (self._leaves[path], convert)
        return values if len(values) > 1 else next(iter(values), None)


def distinct(rows: Iterable[Row]) -> Iterable[Part]:
    """Return the parts that these rows consist of, each once."""
    return {id(part): part for row in rows for part in row}.values()


def leaves(document: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield every value of a document with its dotted path; arrays of objects become arrays."""
    for key, value in document.items():
        path = prefix + key
        if isinstance(value, dict):
            yield from leaves(value, f"{path}.")
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            yield from _merged(value, path)
        else:
            yield path, value


def _merged(items: Iterable[Any], path: str) -> Iterator[tuple[str, Any]]:
    gathered: dict[str, list[Any]] = {}
    for item in items:
        if isinstance(item, dict):
            for below, value in leaves(item, f"{path}."):
                gathered.setdefault(below, []).extend(value if isinstance(value, list) else [value])
    yield from gathered.items()
