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
        document = json.loads(line)
    except ValueError as error:
        raise _invalid(path, number, f"is not JSON: {error}", "") from error
    if not isinstance(document, dict):
        raise _invalid(path, number, "must be a JSON object, one document a line", "")
    return document


def _invalid(path: Path, line: int, what: str, hint: str) -> InvalidInput:
    message = f"line {line} {what}" if line else what
    return InvalidInput(
        f"recording {path.name}: {message}", [Problem(message, str(path), line, 1)], hint=hint
    )
