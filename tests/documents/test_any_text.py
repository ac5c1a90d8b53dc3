"""Whatever is typed, the reader answers with data or with problems, never with anything else."""

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from remedyd import documents
from remedyd.documents import Document
from remedyd.errors import InvalidInput

_WORDS = st.sampled_from(
    [
        "a",
        "b: ",
        "- ",
        "{",
        "}",
        "[",
        "]",
        '"',
        "'",
        "|\n",
        ">\n",
        "&x ",
        "*x",
        "<<: ",
        "\n",
        "  ",
        "on",
        "12:30",
        "010",
        "1e3",
        "---\n",
        "# c\n",
        "? ",
        "!t ",
        "é",
        "\t",
        "%YAML 1.1\n",
        ", ",
    ]
)


@given(st.one_of(st.text(), st.lists(_WORDS, max_size=25).map("".join)))
@example("a: &x [*x]")
@example("{a: 1}}")
def test_any_text(text: str) -> None:
    """A text is read, or refused with at least one problem that has a line and a column."""
    try:
        found = documents.load(text, "f.yaml")
    except InvalidInput as error:
        assert error.problems
        assert all(p.path == "f.yaml" and p.line > 0 and p.column > 0 for p in error.problems)
    else:
        assert all(isinstance(document.data, dict) for document in found)


_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]))


@given(st.dictionaries(_TEXT, st.one_of(_TEXT, st.lists(_TEXT)), min_size=1))
def test_what_was_written_is_read(data: dict[str, object]) -> None:
    """Text that a YAML library writes comes back as it was."""
    quoted = yaml.safe_dump(data, allow_unicode=True, default_style='"', width=40)
    (document,) = documents.load(quoted, "f.yaml")
    assert document.data == data


_LETTERS = st.text("abc xy", min_size=1, max_size=60).map(str.strip).filter(bool)


@given(_LETTERS, st.sampled_from(["'", '"', "|", ">", None]), st.integers(10, 80), st.data())
def test_positions_inside_text(
    value: str, style: str | None, width: int, data: st.DataObject
) -> None:
    """The position of a letter of a value is where that letter stands in the file."""
    text = yaml.dump({"key": [{"inner": value}]}, default_style=style, width=width)
    (document,) = documents.load(text, "f.yaml")
    loc = ("key", 0, "inner")
    offset = data.draw(st.integers(0, len(value) - 1))
    if value[offset] != " ":
        assert _letter(document, text, loc, offset) == value[offset]


def _letter(document: Document, text: str, loc: tuple[str | int, ...], offset: int) -> str:
    line, column = document.position_in(loc, offset)
    return text.split("\n")[line - 1][column - 1]
