"""What an unquoted word means, and where a character of a value stands in the file.

YAML 1.1 and 1.2 read some plain scalars differently (`on`, `010`, `12:30`, `1_000`, `1e3`). Rather
than choosing a side, those are refused: whoever reads the file must not need to know the version.
"""

import re

from remedyd.documents.nodes import Scalar

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,16}")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?")
_TRAPS = (
    (re.compile(r"(?:yes|no|on|off)", re.IGNORECASE), "is true or false to YAML 1.1"),
    (re.compile(r"[-+]?[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?"), "is a base-60 number to YAML 1.1"),
    (re.compile(r"[-+]?0[0-9_]+"), "is an octal number to YAML 1.1"),
    (re.compile(r"[-+]?0o[0-7]+"), "is an octal number to YAML 1.2 only"),
    (re.compile(r"[-+]?0b[01_]+"), "is a binary number to YAML 1.1"),
    (re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(?:\.[0-9_]*)?"), "is a number to YAML 1.1"),
    (re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?[eE][0-9]+"), "is a number to YAML 1.2 only"),
    (re.compile(r"(?!0x[0-9a-fA-F]{1,16}$)[-+]?0x[0-9a-fA-F_]+"), "is a number to YAML 1.1 only"),
    (re.compile(r"[-+]?[0-9]{20,}"), "is a number beyond 64 bits"),
    (re.compile(r"[-+]?\.(?:inf|nan)", re.IGNORECASE), "is not a finite number"),
    (re.compile(r"="), "is a special value to YAML 1.1"),
)
_JOINED = re.compile(r"\\\r?\n[ \t]*")
"""A line break that its backslash takes away."""
_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\r?\n[ \t]*|.)", re.S)


def trap(scalar: Scalar) -> str:
    """Return why the plain scalar is ambiguous, or an empty string."""
    if scalar.style:
        return ""
    for pattern, why in _TRAPS:
        if pattern.fullmatch(scalar.value):
            return f'{scalar.value} {why}: write "{scalar.value}" in quotes, or a plain value'
    return ""


def resolve(scalar: Scalar) -> str | int | float | bool | None:
    """Return the value of a scalar; dates stay text, for the schema to read."""
    value = scalar.value
    if scalar.style:
        return value
    if value in _NULL:
        return None
    if value in _BOOL:
        return _BOOL[value]
    if _INTEGER.fullmatch(value):
        return int(value)
    if _HEX.fullmatch(value):
        return int(value, 16)
    return float(value) if _FLOAT.fullmatch(value) else value


def source_offset(scalar: Scalar, text: str, offset: int) -> int:
    """Return where in `text` the character `offset` (0-based) of the scalar's value stands.

    Walks value and source side by side: escapes take several source characters, a folded line
    break takes one line break and its indentation.
    """
    at = scalar.start
    if scalar.style in ("|", ">"):
        at = text.find("\n", at) + 1 or scalar.end
    elif scalar.style:
        at += 1
    for index, char in enumerate(scalar.value):
        at = _align(scalar, text, at, char)
        if index == offset:
            return at
        at += _width(scalar, text, at, char)
    return min(at, scalar.end)


def _align(scalar: Scalar, text: str, at: int, char: str) -> int:
    """Skip indentation and folding that leaves no character in the value."""
    if scalar.style == '"' and (joint := _JOINED.match(text, at)):
        at = joint.end()
    while at < scalar.end and text[at] != char and text[at] in " \t\r\n" and char not in " \n":
        at += 1
    return at


def _width(scalar: Scalar, text: str, at: int, char: str) -> int:
    """Return how many source characters stand for `char`."""
    if scalar.style == '"' and text.startswith("\\", at):
        match = _ESCAPE.match(text, at)
        return len(match.group()) if match else 1
    if scalar.style == "'" and char == "'":
        return 2
    return 1
