"""A document is validated against a schema with one problem per mistake, at its place."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from remedyd import documents
from remedyd.documents import Duration, Model, Name, Percent, PositiveDuration
from remedyd.errors import InvalidInput


class Colour(StrEnum):
    """An enum of a schema."""

    RED = "Red"
    GREEN = "Green"


class Inner(Model):
    """A nested mapping."""

    max_count: int = 3
    wait: Duration = timedelta(0)


class Outer(Model):
    """A whole document."""

    name: Name
    colour: Colour = Colour.RED
    share: Percent | None = None
    every: PositiveDuration | None = None
    items: tuple[Inner, ...] = ()
    by_name: dict[str, Inner] = Field(default_factory=dict)
    inner: Inner | None = None
    ratio: float = 1.0
    flag: bool = False
    text: str = ""


def _read(text: str) -> Outer:
    (document,) = documents.load(text, "f.yaml")
    return documents.validate(document, Outer)


def _problems(text: str) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        _read(text)
    return [str(problem).removeprefix("f.yaml:") for problem in caught.value.problems]


def test_valid() -> None:
    """Durations, enums, lists and nested models are built from camelCase keys."""
    outer = _read(
        "name: a\ncolour: Green\nevery: 1h30m\nshare: 20\nratio: 2\n"
        "items:\n  - {maxCount: 2, wait: 2d}\nbyName: {x: {wait: 30s}}\n"
    )
    assert outer.every == timedelta(minutes=90)
    assert outer.colour is Colour.GREEN
    assert outer.items == (Inner.model_validate({"maxCount": 2, "wait": timedelta(days=2)}),)
    assert outer.by_name["x"].wait == timedelta(seconds=30)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nam: a\n", '1:1: the key "name" is missing'),
        ("name: a\ncolor: Red\n", '2:1: unknown key "color" (did you mean "colour"?)'),
        ("name: a\nzzz: 1\n", '2:1: unknown key "zzz"'),
        (
            "name: a\nitems: [{maxcount: 2}]\n",
            '2:10: unknown key "maxcount" (did you mean "maxCount"?)',
        ),
        (
            "name: a\nbyName: {x: {max_count: 2}}\n",
            '2:14: unknown key "max_count" (did you mean "maxCount"?)',
        ),
        ("name: a\ninner: {wai: 2s}\n", '2:9: unknown key "wai" (did you mean "wait"?)'),
        (
            "name: a\ncolour: green\n",
            '2:9: must be one of Red, Green; got the text "green" (did you mean "Green"?)',
        ),
        ("name: a\ncolour: 5\n", "2:9: must be one of Red, Green; got 5"),
        (
            'name: a\nitems: [{maxCount: "2"}]\n',
            '2:20: must be a whole number, got the text "2"',
        ),
        ("name: a\nitems: [{maxCount: 2.5}]\n", "2:20: must be a whole number, got 2.5"),
        ("name: a\nitems: 5\n", "2:8: must be a list, got 5"),
        ("name: a\nitems: [5]\n", "2:9: must be a mapping, got 5"),
        ("name: a\nflag: 'true'\n", '2:7: must be true or false, got the text "true"'),
        ("name: a\ntext: 5\n", "2:7: must be text, got 5"),
        ("name: a\ntext:\n", "2:6: must be text, got nothing"),
        ("name: a\nevery: 5\n", "2:8: must be a duration such as 30s, 5m or 1h30m; got 5"),
        ("name: a\nevery: 36501d\n", '2:8: must be at most 36500d; got "36501d"'),
        (
            "name: a\nevery: 5 minutes\n",
            '2:8: must be a duration such as 30s, 5m or 1h30m; got "5 minutes"',
        ),
        ("name: a\nevery: 0s\n", "2:8: must be longer than 0s"),
        ("name: a\nshare: 0\n", "2:8: must be greater than 0; got 0"),
        ("name: a\nshare: 101\n", "2:8: must be less than or equal to 100; got 101"),
    ],
)
def test_one_mistake(text: str, message: str) -> None:
    """Each mistake has one sentence, at the offending key or value."""
    assert message in _problems(text)


def test_mistakes_come_together_in_file_order() -> None:
    """All mistakes are reported at once."""
    problems = _problems("name: A!\nitems:\n  - {maxCount: x}\n  - {wait: 3}\nextra: 1\n")
    places = [":".join(p.split(":")[:2]) for p in problems]
    assert places == ["1:7", "3:16", "4:12", "5:1"]


@pytest.mark.parametrize(
    ("span", "text"),
    [({"seconds": 30}, "30s"), ({"minutes": 90}, "1h30m"), ({"days": 2}, "2d"), ({}, "0s")],
)
def test_durations_are_written_as_read(span: dict[str, Any], text: str) -> None:
    """A duration is shown in the notation in which it is given."""
    assert documents.format_duration(timedelta(**span)) == text


def test_schema_describes_durations() -> None:
    """Editors get a pattern for durations and no unknown keys."""
    schema = Inner.model_json_schema()
    assert schema["additionalProperties"] is False
    assert schema["properties"]["wait"]["pattern"] == documents.values.DURATION_PATTERN


def test_unreadable_file(tmp_path: Path) -> None:
    """A file that is missing or not UTF-8 is a problem that names it."""
    with pytest.raises(InvalidInput) as missing:
        documents.read(tmp_path / "no.yaml", shown_as="no.yaml")
    assert str(missing.value.problems[0]) == "no.yaml: cannot be read: No such file or directory"
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: \xe9\n")
    with pytest.raises(InvalidInput) as latin:
        documents.read(tmp_path / "latin.yaml", shown_as="latin.yaml")
    assert str(latin.value.problems[0]) == "latin.yaml:2:1: is not UTF-8 text"
