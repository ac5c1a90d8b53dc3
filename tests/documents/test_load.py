"""YAML is read strictly, with positions."""

import pytest

from remedyd import documents
from remedyd.errors import InvalidInput


def _problems(text: str) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        documents.load(text, "f.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_values_and_positions() -> None:
    """Every value and key knows its line and column, counted from 1."""
    (document,) = documents.load("a: 1\nb:\n  - x\n  - c: é\n", "f.yaml")
    assert document.data == {"a": 1, "b": ["x", {"c": "é"}]}
    assert document.position(("b", 1, "c")) == (4, 8)
    assert document.key_position(("b", 1, "c")) == (4, 5)
    assert document.position(("b", 1, "missing")) == (4, 5)
    assert document.key_position(("b",)) == (2, 1)


def test_several_documents_keep_their_own_lines() -> None:
    """Positions of a later document count from the top of the file; empty ones are left out."""
    first, second = documents.load("a: 1\n---\nb: 2\n---\n# nothing\n", "f.yaml")
    assert (first.data, second.data) == ({"a": 1}, {"b": 2})
    assert second.position(("b",)) == (3, 4)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-7", -7),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("1.0e+3", 1000.0),
        ("64Mi", "64Mi"),
        ("5m", "5m"),
        ("1e", "1e"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01", "2026-01-01"),
        ("'on'", "on"),
        ('"010"', "010"),
        ("y", "y"),
        ("1.2.3", "1.2.3"),
        ("a:b", "a:b"),
    ],
)
def test_plain_words(text: str, value: object) -> None:
    """A word means what YAML 1.1 and 1.2 agree on; dates stay text."""
    (document,) = documents.load(f"k: {text}\n", "f.yaml")
    assert document.data["k"] == value
    assert type(document.data["k"]) is type(value)


@pytest.mark.parametrize(
    "word",
    [
        "on",
        "Yes",
        "no",
        "OFF",
        "12:30",
        "1:02:03",
        "010",
        "-07",
        "0o17",
        "0b1",
        "1_000",
        "1e3",
        "1E5",
        "99999999999999999999",
        ".inf",
        "-.Inf",
        ".NaN",
        "=",
        "0x1_F",
    ],
)
def test_ambiguous_words_are_refused(word: str) -> None:
    """A word that YAML 1.1 and 1.2 read differently must be quoted."""
    (only,) = _problems(f"a: 1\nk: {word}\n")
    assert only.startswith(f"f.yaml:2:4: {word} is ")


def test_ambiguous_key() -> None:
    """`on:` as a key is refused like any other ambiguous word."""
    assert _problems("on: 1\n")[0].startswith("f.yaml:1:1: on is true or false to YAML 1.1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", 'f.yaml:2:1: duplicate key "a", first given in line 1'),
        ("x: {b: 1, b: 2}\n", 'f.yaml:1:11: duplicate key "b", first given in line 1'),
        ("b: &x {c: 1}\na:\n  <<: *x\n", "f.yaml:3:3: merge keys are not supported"),
        ("- 1\n", "f.yaml:1:1: the document must be a mapping"),
        ("just text\n", "f.yaml:1:1: the document must be a mapping"),
        ("", "f.yaml:1:1: is empty: expected a mapping"),
        ("# only a comment\n", "f.yaml:1:1: is empty"),
        ("a: !!python/object:os.system x\n", "f.yaml:1:4: the tag tag:yaml.org,2002:python"),
        ("a: *nowhere\n", "f.yaml:1:4: the alias *nowhere names no finished anchor"),
        ("a: &x [1, *x]\n", "f.yaml:1:11: the alias *x names no finished anchor"),
        ("? [1]\n: 2\n", "f.yaml:1:3: a key must be a word"),
        ("a: b: c\n", "f.yaml:1:5: not valid YAML: mapping values are not allowed"),
        ("a: [1\n", "f.yaml:2:1: not valid YAML: did not find expected ',' or ']'"),
        ("a:\n\tb: 2\n", "f.yaml:2:1: not valid YAML: found character that cannot start"),
        ("a: ok\nb: \x01\n", "f.yaml:2:4: not valid YAML: control characters"),
    ],
)
def test_structure_mistakes(text: str, message: str) -> None:
    """A broken structure is one problem at its place."""
    (only,) = _problems(text)
    assert only.startswith(message)


def test_all_problems_at_once() -> None:
    """Problems are collected over the whole file and listed in file order."""
    problems = _problems("a: on\nb: 1\nb: 2\nc: 010\n---\nd: 12:30\n")
    assert [p.split(": ")[0] for p in problems] == [
        "f.yaml:1:4",
        "f.yaml:3:1",
        "f.yaml:4:4",
        "f.yaml:6:4",
    ]


def test_aliases_are_expanded() -> None:
    """An alias stands for its anchor's value."""
    (document,) = documents.load("a: &x [1, 2]\nb: *x\n", "f.yaml")
    assert document.data == {"a": [1, 2], "b": [1, 2]}


def test_alias_bomb() -> None:
    """Nested aliases that would expand to millions of values are refused before expanding."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for i in range(1, 9):
        lines.append(f"a{i}: &a{i} [" + ", ".join([f"*a{i - 1}"] * 10) + "]")
    assert _problems("\n".join(lines))[0].startswith("f.yaml:1:1: has more than 100000 values")


@pytest.mark.parametrize("text", ["a: " + "[" * 100_000, "a: " + "{b: " * 5_000])
def test_deep_nesting(text: str) -> None:
    """Nesting beyond any real file is refused instead of exhausting the stack."""
    assert "nested more than 40 levels deep" in _problems(text)[0]


def test_size_limit() -> None:
    """A text over the limit is not parsed at all."""
    with pytest.raises(InvalidInput) as caught:
        documents.load("a: " + "x" * 100, "f.yaml", limit=50)
    assert str(caught.value.problems[0]) == "f.yaml:1:1: is larger than 50 characters"


def test_byte_order_mark_and_lone_surrogates() -> None:
    """A byte order mark is ignored and an unencodable character does no harm."""
    (document,) = documents.load("\ufeffa: \ud800\n", "f.yaml")
    assert document.data == {"a": "\ufffd"}


@pytest.mark.parametrize(
    ("text", "needle", "place"),
    [
        ("k: foo && bar\n", "bar", (1, 11)),
        ('k: "foo \\"q\\" bar"\n', "bar", (1, 15)),
        ("k: 'it''s bar'\n", "bar", (1, 11)),
        ("k: |\n  foo &&\n  bar\n", "bar", (3, 3)),
        ("k: >-\n  foo &&\n\n  more\n  bar\n", "bar", (5, 3)),
        ("k: foo &&\n  bar\n", "bar", (2, 3)),
        ('k: "a \\u00e9 bar"\n', "bar", (1, 14)),
        ("k:\n  - 'x\n    bar'\n", "bar", (3, 5)),
    ],
)
def test_position_inside_a_scalar(text: str, needle: str, place: tuple[int, int]) -> None:
    """A character of a value is found in the file through quoting, folding and indentation."""
    (document,) = documents.load(text, "f.yaml")
    loc = ("k", 0) if isinstance(document.data["k"], list) else ("k",)
    value = document.data["k"][0] if len(loc) == 2 else document.data["k"]
    assert document.position_in(loc, value.index(needle)) == place
