"""The parser's place in the text: one token in hand, errors at its position.

One token of lookahead is enough for the language; nothing is ever read twice.
"""

from __future__ import annotations

from remedyd.offline.errors import EsqlError, UnsupportedEsql
from remedyd.offline.lexer import Kind, Mode, Token, read_token
from remedyd.offline.source import Source, Span

# Elasticsearch stops at 400 nested expressions. Half of that keeps every recursive pass over
# the tree far from Python's own limit.
MAX_DEPTH = 200

AN_EXPRESSION = "an expression"
A_FIELD = "a field name"
AFTER_COMMAND = "',', '|' or the end of the query"

_COMMAND_WORDS = frozenset({"WHERE", "EVAL", "STATS", "KEEP", "DROP", "SORT", "LIMIT", "RENAME"})


class Cursor:
    """Reads tokens one by one in the mode the parser asks for."""

    def __init__(self, source: Source) -> None:
        """Start at the first token, which must be a command word."""
        self.source = source
        self.mode = Mode.COMMAND
        self.depth = 0
        self.count = 0
        self.end = 0
        self.anonymous_parameters = 0
        self.token: Token = read_token(source, 0, Mode.COMMAND)

    # --- moving

    def advance(self) -> Token:
        """Take the token in hand and read the next one in the current mode."""
        taken = self.token
        self.end = taken.end
        self.count += 1
        self.token = read_token(self.source, taken.end, self.mode)
        return taken

    def enter(self, mode: Mode) -> Token:
        """Take the token in hand and read on in another mode."""
        self.mode = mode
        return self.advance()

    def deepen(self) -> None:
        """Enter one more level of nesting; the caller leaves it with `depth -= 1`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.too_deep(self.token.start)

    # --- asking

    def at(self, kind: Kind) -> bool:
        """Whether the token in hand is of a kind."""
        return self.token.kind is kind

    def at_symbol(self, symbol: str) -> bool:
        """Whether the token in hand is this symbol."""
        return self.token.kind is Kind.SYMBOL and self.token.value == symbol

    def at_keyword(self, word: str) -> bool:
        """Whether the token in hand is this keyword."""
        return self.token.kind is Kind.KEYWORD and self.token.value == word

    def at_word(self, word: str) -> bool:
        """Whether the token in hand is this command word; only ASCII letters ignore case."""
        value = self.token.value
        return self.token.kind is Kind.WORD and value.isascii() and value.upper() == word

    def take_symbol(self, symbol: str) -> bool:
        """Take the symbol if it is in hand."""
        if self.at_symbol(symbol):
            self.advance()
            return True
        return False

    def take_keyword(self, word: str) -> bool:
        """Take the keyword if it is in hand."""
        if self.at_keyword(word):
            self.advance()
            return True
        return False

    # --- insisting

    def expect(self, kind: Kind, what: str) -> Token:
        """Take a token of a kind or fail saying what was expected."""
        if self.token.kind is not kind:
            raise self.unexpected(what)
        return self.advance()

    def expect_symbol(self, symbol: str, what: str = "") -> Token:
        """Take a symbol or fail."""
        if not self.at_symbol(symbol):
            raise self.unexpected(what or f"'{symbol}'")
        return self.advance()

    def expect_keyword(self, word: str) -> Token:
        """Take a keyword or fail."""
        if not self.at_keyword(word):
            raise self.unexpected(word)
        return self.advance()

    # --- places

    def span(self, start: int) -> Span:
        """From an offset to the end of the last token taken."""
        return Span(start, self.end)

    def text(self, start: int) -> str:
        """What was written from an offset to the end of the last token taken."""
        return self.source.text[start : self.end]

    # --- failing

    def error(self, reason: str, offset: int, *, hint: str = "") -> EsqlError:
        """A parsing error at an offset."""
        return EsqlError(reason, self.source.position(offset), hint=hint)

    def unsupported(self, feature: str, offset: int, *, hint: str = "") -> UnsupportedEsql:
        """A refusal of something valid, at an offset."""
        return UnsupportedEsql(feature, self.source.position(offset), hint=hint)

    def unexpected(self, what: str, *, hint: str = "") -> EsqlError:
        """The token in hand does not fit; `what` says what would."""
        written = self.source.text[self.token.start : self.token.end] or "<EOF>"
        if len(written) > 60:
            written = written[:57] + "..."
        reason = f"mismatched input '{written}' expecting {what}"
        return self.error(reason, self.token.start, hint=hint or self._hint(what))

    def too_deep(self, offset: int) -> UnsupportedEsql:
        """The expression is nested beyond what the engine follows."""
        return self.unsupported(
            f"expression nested deeper than {MAX_DEPTH} levels",
            offset,
            hint="split the expression over several EVAL commands, or use IN for long lists",
        )

    def _hint(self, what: str) -> str:
        if self.at_symbol("="):
            return "equality is written =="
        if self.at(Kind.KEYWORD) and what in (AN_EXPRESSION, A_FIELD):
            return f"{self.token.value} is a keyword; as a field name it needs back-quotes"
        if self.at_symbol("|") and self.source.text.startswith("||", self.token.start):
            return "use OR"
        if what == AFTER_COMMAND and self.token.value.upper() in _COMMAND_WORDS:
            return f"commands are separated by |: write | {self.token.value.upper()}"
        return ""
