"""JSON with Go's words for a syntax error, and a note of duplicate keys."""

import json
from typing import Any

_WORDS = {
    "Expecting property name": "looking for beginning of object key string",
    "Illegal trailing comma": "looking for beginning of value",
    "Expecting value": "looking for beginning of value",
    "Expecting ':' delimiter": "after object key",
    "Expecting ',' delimiter": "after object key:value pair",
    "Extra data": "after top-level value",
}
_LITERALS = ("null", "true", "false")


class Duplicates(dict[str, Any]):
    """An object in which some keys came more than once; the last value counts."""

    repeated: tuple[str, ...] = ()


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    seen: set[str] = set()
    marked = Duplicates(result)
    marked.repeated = tuple(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return marked


def _reason(text: str, error: json.JSONDecodeError) -> str:
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
        return "unexpected end of JSON input"
    character = text[error.pos]
    if error.msg.startswith("Expecting value"):
        for word in _LITERALS:
            if character == word[0]:
                rest = text[error.pos : error.pos + len(word)]
                for wrong, wanted in zip(rest[1:], word[1:], strict=False):
                    if wrong != wanted:
                        return (
                            f"invalid character '{wrong}' in literal {word} (expecting '{wanted}')"
                        )
    for start, words in _WORDS.items():
        if error.msg.startswith(start):
            return f"invalid character '{character}' {words}"
    return f"invalid character '{character}'"


def loads(body: bytes | str) -> Any:
    """Read JSON; raises ValueError with the text of Go's decoder."""
    try:
        text = body.decode() if isinstance(body, bytes) else body
        return json.loads(text, object_pairs_hook=_pairs)
    except UnicodeDecodeError as error:
        raise ValueError("invalid UTF-8 in JSON input") from error
    except json.JSONDecodeError as error:
        raise ValueError(_reason(text, error)) from error


def repeated(value: Any, path: str = "") -> list[str]:
    """Return the dotted paths of keys that came more than once."""
    found: list[str] = []
    if isinstance(value, dict):
        if isinstance(value, Duplicates):
            found += [f"{path}.{key}" if path else key for key in value.repeated]
        for key, item in value.items():
            found += repeated(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += repeated(item, f"{path}[{index}]")
    return found


def excerpt(body: bytes) -> str:
    """Return a body as it stands in a message, shortened."""
    text = body.decode(errors="replace")
    return text[:1024] if text else "<empty>"


def quote(text: str) -> str:
    """Write a text in quotes as Go's %q does."""
    return json.dumps(text, ensure_ascii=False)
