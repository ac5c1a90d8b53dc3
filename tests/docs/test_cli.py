"""The command line is documented as it is, and every line of it on a page can be typed."""

import re

import pytest

from support.commands import commands, lines, parsed, reference
from support.docs import DOCS, blocks, indented, pages

COMMANDS = dict(commands())
LINES = sorted(
    {
        (path.name, words)
        for path in pages()
        for text in (path.read_text(encoding="utf-8"),)
        for block in (*blocks(text, "(?:sh|console|)"), *indented(text))
        for words in lines(block)
    }
)


def test_every_command_and_option_is_documented() -> None:
    """With argument, default and meaning, as `--help` has them; and nothing that is gone."""
    page = (DOCS / "cli-reference.md").read_text(encoding="utf-8")
    assert page == reference(), "PYTHONPATH=tests python -m support.commands writes it"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    """Each has a help of its own, and so has each option and argument."""
    command = COMMANDS[name]
    assert command.help
    assert [one.name for one in command.params if not one.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_no_help_is_lost_on_the_way_to_the_screen(name: str) -> None:
    """What looks like markup is swallowed by whoever renders it."""
    command = COMMANDS[name]
    texts = [command.help or "", *(one.help or "" for one in command.params)]
    assert [text for text in texts if re.search(r"\[/?[a-z#@]", text)] == []


@pytest.mark.parametrize(("page", "words"), LINES, ids=[" ".join(words)[:60] for _, words in LINES])
def test_a_documented_command_line_can_be_typed(page: str, words: tuple[str, ...]) -> None:
    """Command, arguments and options exist, and their values are of the right kind."""
    parsed(words)
