"""Samples in promtool's compact notation.

    1 2 3        three samples, one step apart
    10+5x3       10 15 20 25: a start, an increment, how often it is added
    10-5x2       10 5 0
    7x3          7 7 7 7: the value and three more
    _  _x3       no sample, three times no sample
    stale        the series ends here; telemetry has no marker for it, so it is no sample either

Whole numbers stay whole, so that a metric is mapped as the collector would have it mapped.
"""

import re
from typing import TypeAlias

Sample: TypeAlias = int | float | None

MAX_SAMPLES = 100_000
_NUMBER = r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_ITEM = re.compile(
    rf"(?P<first>{_NUMBER})(?:(?P<by>[-+](?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?))?"
    r"(?:x(?P<times>[0-9]+))?"
)
_MISSING = re.compile(r"_(?:x(?P<times>[0-9]+))?")
_WORD = re.compile(r"\S+")


class Misprint(Exception):
    """Text that is not a sample; `offset` counts characters from 0."""

    def __init__(self, message: str, offset: int) -> None:
        """Take what is wrong, and where."""
        super().__init__(message)
        self.message = message
        self.offset = offset


def samples(text: str) -> tuple[Sample, ...]:
    """Expand a series; None is no sample. Raises Misprint at the first mistake."""
    found: list[Sample] = []
    for word in _WORD.finditer(text):
        found += _expanded(word.group(), word.start(), MAX_SAMPLES - len(found))
    return tuple(found)


def _expanded(word: str, offset: int, room: int) -> list[Sample]:
    if word == "stale":
        return [None]
    if match := _MISSING.fullmatch(word):
        return [None] * _bounded(match["times"] or "1", offset, room)
    match = _ITEM.fullmatch(word)
    if match is None:
        raise Misprint(_why_not(word), offset)
    first = _number(match["first"])
    if match["times"] is None:
        if match["by"] is not None:
            raise Misprint(f'"{word}" lacks its count: write {word}x3', offset)
        return [first]
    count = _bounded(match["times"], offset, room - 1) + 1
    by = _number(match["by"]) if match["by"] else 0
    return [first + by * index for index in range(count)]


def _why_not(word: str) -> str:
    if word.startswith("{{"):
        return "histograms are not supported: write the numbers that the audit reads"
    if word.lower().lstrip("+-") in ("nan", "inf"):
        return f"{word} cannot be stored in Elasticsearch: use _ for no sample"
    return f'"{word}" is not a sample: write 5, 5x3, 5+1x3, _, _x3 or stale'


def _bounded(times: str, offset: int, room: int) -> int:
    if len(times) > len(str(MAX_SAMPLES)) or int(times) > room:
        raise Misprint(f"more than {MAX_SAMPLES} samples", offset)
    return int(times)


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)
