"""What an audit must know about a query without understanding it.

A lexer alone: commands, parameters, names, the limit. A full parser would refuse valid ES|QL that
it does not know, and the query's author is answered by Elasticsearch in the end; the price is
that names are recognised by their looks.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

_TOKEN = re.compile(
    r"""
    (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<text>\"\"\".*?\"\"\"|"(?:\\.|[^"\\\n])*")
  | (?P<quoted>`(?:``|[^`])*`)
  | (?P<param>\?\??[A-Za-z0-9_]*)
  | (?P<name>[@A-Za-z_][A-Za-z0-9_]*(?:\.[@A-Za-z0-9_]+)*\*?)
  | (?P<number>[0-9]+(?:\.[0-9]+)?)
  | (?P<pipe>\|)
  | (?P<broken>/\*|\"|`)
  | (?P<sign>==|!=|<=|>=|=~|::|[^\s])
    """,
    re.VERBOSE | re.DOTALL,
)
DEFAULT_LIMIT = 1000
"""Rows that Elasticsearch returns where a query has no LIMIT."""

MAXIMUM_LIMIT = 10_000
"""Rows beyond which Elasticsearch caps a result, whatever LIMIT says."""


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of the query; `start` is an offset into its text."""

    kind: str
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Command:
    """The tokens between two pipes; `name` is the first one, in upper case."""

    name: str
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class Outline:
    """A query cut into commands. `pipe` is the offset of the first pipe, -1 without one."""

    text: str
    commands: tuple[Command, ...]
    pipe: int

    def position(self, offset: int) -> tuple[int, int]:
        """Return line and column, from 1, of an offset."""
        before = self.text[:offset]
        return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1

    @property
    def tokens(self) -> Iterator[Token]:
        """Yield the tokens of all commands, without comments and pipes."""
        for command in self.commands:
            yield from command.tokens

    @cached_property
    def indices(self) -> tuple[str, ...]:
        """Return the index patterns of the FROM command, without the METADATA clause."""
        if not self.commands or self.commands[0].name != "FROM":
            return ()
        end = self.pipe if self.pipe >= 0 else len(self.text)
        body = re.sub(r"//[^\n]*|/\*.*?\*/", " ", self.text[:end], flags=re.DOTALL)
        body = re.split(r"\bMETADATA\b", body, maxsplit=1, flags=re.IGNORECASE)[0]
        names = re.sub(r"^\s*FROM\b", "", body, flags=re.IGNORECASE).split(",")
        return tuple(name.strip().strip('"') for name in names if name.strip())

    @property
    def limit(self) -> int | None:
        """Return the number of the last LIMIT command, or None."""
        for command in reversed(self.commands):
            if command.name == "LIMIT" and len(command.tokens) > 1:
                text = command.tokens[1].text
                return int(text) if text.isdigit() else None
        return None

    @cached_property
    def parameters(self) -> dict[str, Token]:
        """Return the first use of each parameter by its name ("" for a positional one)."""
        found: dict[str, Token] = {}
        for token in self.tokens:
            if token.kind == "param":
                found.setdefault(token.text.lstrip("?"), token)
        return found

    @property
    def kept(self) -> tuple[Token, ...] | None:
        """Return the columns of the last KEEP, or None where the result is shaped otherwise."""
        shaping = {"KEEP", "STATS", "EVAL", "DROP", "RENAME", "ROW", "FROM", "ENRICH", "LOOKUP"}
        for command in reversed(self.commands):
            if command.name in shaping:
                names = [t for t in command.tokens[1:] if t.kind in ("name", "quoted")]
                plain = not any(t.text.endswith("*") for t in command.tokens)
                return tuple(names) if command.name == "KEEP" and plain else None
        return None

    def fields(self) -> dict[str, Token]:
        """Return the first use of every dotted name (or `@...`) that the query does not make."""
        made, used = set[str](), dict[str, Token]()
        for command in self.commands[1:]:
            padded = (*command.tokens, Token("sign", "", 0), Token("sign", "", 0))
            for before, token, after in zip(padded, padded[1:], padded[2:], strict=False):
                name = plain_name(token)
                if name is None or after.text == "(":
                    continue
                if after.text == "=" or before.text.upper() == "AS":
                    made.add(name)
                elif ("." in name or name.startswith("@")) and not name.endswith("*"):
                    used.setdefault(name, token)
        return {name: token for name, token in used.items() if name not in made}

    def mentions(self) -> set[str]:
        """Return every name in the query, quoted or not."""
        return {name for token in self.tokens if (name := plain_name(token)) is not None}


def plain_name(token: Token) -> str | None:
    """Return the name a token stands for, without backticks; None if it is not a name."""
    if token.kind == "quoted":
        return token.text[1:-1].replace("``", "`")
    return token.text if token.kind == "name" else None


def outline(text: str) -> Outline:
    """Cut a query into commands. An unclosed string or comment shows as a token `broken`."""
    commands: list[Command] = []
    current: list[Token] = []
    pipe = -1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "sign"
        if kind == "comment":
            continue
        if kind == "pipe":
            pipe = match.start() if pipe < 0 else pipe
            commands.append(_command(current))
            current = []
        else:
            current.append(Token(kind, match.group(), match.start()))
    commands.append(_command(current))
    return Outline(text, tuple(commands), pipe)


def _command(tokens: list[Token]) -> Command:
    return Command(tokens[0].text.upper() if tokens else "", tuple(tokens))
