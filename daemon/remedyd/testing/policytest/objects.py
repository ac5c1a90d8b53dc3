"""Kubernetes objects of a test: inline, or in files beside it."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from remedyd import documents
from remedyd.documents import Document, problem
from remedyd.documents.nodes import Location
from remedyd.errors import InvalidInput, Problem
from remedyd.model import KubeObject
from remedyd.testing.policytest.fixtures import flaw
from remedyd.testing.policytest.schema import ObjectSource


def beside(document: Document, relative: str) -> Path:
    """Return a path that a file names relative to itself."""
    return Path(os.path.normpath(Path(document.path).parent / relative))


def objects(
    document: Document, sources: Iterable[ObjectSource], loc: Location, problems: list[Problem]
) -> tuple[KubeObject, ...]:
    """Return the objects that the list at `loc` names; what is wrong goes to `problems`."""
    found: list[KubeObject] = []
    for index, source in enumerate(sources):
        place = (*loc, index)
        if isinstance(source, str):
            found += _from_file(document, place, source, problems)
        elif wrong := flaw(source):
            problems.append(problem(document, place, wrong))
        else:
            found.append(source)
    return tuple(found)


def _from_file(
    document: Document, place: Location, relative: str, problems: list[Problem]
) -> list[KubeObject]:
    path = beside(document, relative)
    if not path.is_file():
        problems.append(problem(document, place, f"there is no file {path}"))
        return []
    found = []
    try:
        for part in documents.read(path):
            for loc, obj in _single(part.data):
                if wrong := flaw(obj):
                    problems.append(problem(part, loc, wrong))
                else:
                    found.append(obj)
    except InvalidInput as error:
        problems += error.problems
    return found


def _single(data: Any) -> Iterator[tuple[Location, Any]]:
    """Yield the objects of a document, which may be a `List` as kubectl prints it."""
    items = data.get("items")
    if str(data.get("kind", "")).endswith("List") and isinstance(items, list):
        for index, item in enumerate(items):
            yield ("items", index), item
    else:
        yield (), data


def patch(
    document: Document, given: ObjectSource | None, place: Location, problems: list[Problem]
) -> KubeObject | None:
    """Return an expected patch, from its file where it is a path."""
    if not isinstance(given, str):
        return given
    path = beside(document, given)
    if not path.is_file():
        problems.append(problem(document, place, f"there is no file {path}"))
        return None
    try:
        return documents.read(path)[0].data
    except InvalidInput as error:
        problems += error.problems
        return None
