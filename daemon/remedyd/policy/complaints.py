"""What the CEL compiler says, in words that name the column and the next step."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from remedyd.documents import did_you_mean

_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): ([^\n]*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']+)'")
_OVERLOAD = re.compile(r"found no matching overload for '([^']+)' applied to '\(([^)]*)\)'")
_EXPECTING = re.compile(r" expecting \{.*")
_NUMBERS = frozenset({"int", "uint", "double"})
_RUNTIME_OVERLOAD = re.compile(r"No matching overloads found : _?([^(]*?)_?\(([^)]*)\)")
_WORDS = {
    "int": "a whole number",
    "int64": "a whole number",
    "uint": "an unsigned number",
    "double": "a decimal number",
    "bool": "true or false",
    "string": "text",
    "null_type": "null",
    "timestamp": "a time",
    "google.protobuf.Timestamp": "a time",
    "duration": "a duration",
    "google.protobuf.Duration": "a duration",
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """One mistake in an expression; `offset` counts characters from 0."""

    message: str
    offset: int = 0


def complaints(text: str, expression: str, variables: Iterable[str]) -> list[Complaint]:
    """Translate the compiler's error `text` about `expression`, every mistake in it."""
    found = [
        _translate(message, _offset(expression, int(line), int(column)), expression, variables)
        for line, column, message in _ERROR.findall(text)
    ]
    if not found:
        return [Complaint(f"cannot be used: {first_line(text)}")]
    syntax = [complaint for complaint in found if complaint.message.startswith("syntax error")]
    return syntax[:1] or found


def _translate(message: str, offset: int, expression: str, variables: Iterable[str]) -> Complaint:
    if match := _UNDECLARED.search(message):
        return _undeclared(match[1], offset, expression, variables)
    if match := _OVERLOAD.search(message):
        return Complaint(_overload(match[1], match[2].split(", ")), offset)
    if message.startswith("reserved identifier: "):
        word = message.removeprefix("reserved identifier: ")
        hint = f": write target.{word}" if f"target.{word}" in variables else ""
        return Complaint(f'"{word}" is a reserved word of CEL{hint}', offset)
    if message.startswith("Syntax error: "):
        what = _EXPECTING.sub("", message.removeprefix("Syntax error: "))
        what = what.replace("mismatched input '<EOF>'", "the expression ends too early")
        return Complaint(f"syntax error: {what}", offset)
    return Complaint(message, offset)


def _undeclared(name: str, offset: int, expression: str, variables: Iterable[str]) -> Complaint:
    """The compiler points at the last dot of a qualified name and at a function's bracket."""
    if expression.startswith("(", offset) and expression[:offset].rstrip().endswith(name):
        start = expression.rfind(name, 0, offset)
        return Complaint(f'unknown function "{name}"', start)
    start = expression.rfind(name.rpartition(".")[0], 0, offset) if "." in name else offset
    kind, prefix = "column", ""
    if name.startswith("params."):
        kind, prefix = "parameter", "params."
    alike = sorted(known for known in variables if known.startswith(prefix))
    near = did_you_mean(name, alike) or f"; known are {', '.join(alike) or 'none'}"
    return Complaint(f'unknown {kind} "{name}"{near}', max(start, 0))


def _overload(operator: str, types: list[str]) -> str:
    sign = operator.strip("_").replace("_", " ")
    if sign == "? :":
        return f"the condition before ? must be true or false, not {_word(types[0])}"
    said = f'"{sign}" cannot be applied to {" and ".join(map(_word, types))}'
    if "null_type" in types:
        return f"{said}: the audit declares this column as never null"
    if set(types) <= _NUMBERS and len(set(types)) > 1:
        return f"{said}: write the constant as 1.0 instead of 1, or convert with double(...)"
    return said


def fault(text: str, nulls: Iterable[str]) -> str:
    """Say why an evaluation gave no answer; `nulls` are the columns that were null."""
    if empty := ", ".join(nulls):
        verb = "are" if ", " in empty else "is"
        return f"{empty} {verb} null: guard it as in `{empty.split(', ')[0]} != null && ...`"
    if match := _RUNTIME_OVERLOAD.search(text):
        return f'"{match[1]}" cannot be applied to ' + " and ".join(
            map(_word, match[2].split(", "))
        )
    return first_line(text)


def first_line(text: str) -> str:
    """Return the first line without the library's status code, at most 200 characters."""
    line = text.partition("\n")[0]
    line = re.sub(r"^[A-Z_]+: ", "", line)
    return re.sub(r" \[[A-Z_]+\]$", "", line)[:200]


def _word(type_name: str) -> str:
    return _WORDS.get(type_name, type_name)


def _offset(expression: str, line: int, column: int) -> int:
    lines = expression.split("\n")
    return sum(len(text) + 1 for text in lines[: line - 1]) + column - 1
