"""NDJSON files, gzipped or not: every mistake is named with its file and line."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from remedyd.errors import InvalidInput, Problem

MAX_DEPTH = 100
"""Objects and lists within each other; far beyond what any mapping can hold."""


def read_ndjson(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, document). Raises InvalidInput at the first mistake."""
    number = 0
    try:
        with _open(path) as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                yield number, _document(path, number, line)
    except (OSError, EOFError, zlib.error) as error:
        hint = "the file is cut off or damaged; record it again"
        raise _invalid(path, number + 1, f"cannot be read: {error}", hint) from error
    except UnicodeDecodeError as error:
        raise _invalid(path, number + 1, "is not UTF-8 text", "") from error


def _open(path: Path) -> io.TextIOWrapper:
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path, "rb"), encoding="utf-8")
    return path.open(encoding="utf-8")


def _document(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        document = json.loads(line, parse_constant=_refuse)
        if line.count("{") + line.count("[") > MAX_DEPTH and _depth(document) > MAX_DEPTH:
            raise RecursionError
    except RecursionError as error:
        what = f"is nested more than {MAX_DEPTH} levels deep"
        raise _invalid(path, number, what, "") from error
    except ValueError as error:
        raise _invalid(path, number, f"is not JSON: {error}", "") from error
    if not isinstance(document, dict):
        raise _invalid(path, number, "must be a JSON object, one document a line", "")
    return document


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a JSON number")


def _depth(value: object) -> int:
    """Return how many objects and lists lie within each other, without recursion."""
    deepest, level = 0, [value]
    while level:
        inside: list[object] = []
        for one in level:
            if isinstance(one, dict):
                inside.extend(one.values())
            elif isinstance(one, list):
                inside.extend(one)
        deepest += 1
        level = [one for one in inside if isinstance(one, dict | list)]
    return deepest


def _invalid(path: Path, line: int, what: str, hint: str) -> InvalidInput:
    message = f"line {line} {what}" if line else what
    return InvalidInput(
        f"recording {path.name}: {message}", [Problem(message, str(path), line, 1)], hint=hint
    )
