"""The last net under the logs: whatever the settings hold as a secret never leaves in a line.

Names of fields say which values are secret, but a library's error text or a traceback has no
field names. So the rendered line itself is searched for the secrets that are known.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from pydantic import BaseModel, SecretStr

from remedyd.settings import Settings

SHOWN: Final = "REDACTED"
_SHORTEST: Final = 6  # a shorter one is no secret, and would blank half of every line
_PASSWORD: Final = re.compile(r"://[^:/@\s]*:([^@\s]+)@|[?&]password=([^&\s]+)")
_WORD: Final = re.compile(r"[^\s'\",=:;]{16,}")
_CALLERS: Final = re.compile(r"""(?:^|[{,\s])["']?(?:tokens|grants)["']?\s*:""")
_TOKEN: Final = re.compile(r"""\btoken["']?\s*:\s*["']?([^\s"',}]+)""")


def held(settings: Settings) -> frozenset[str]:
    """Return every secret of the settings: values, contents of files, passwords in URLs."""
    return frozenset(_found(settings))


def concealed(secrets: Iterable[str], shown: str = SHOWN) -> Callable[[str], str]:
    """Return what puts `shown` for these secrets, also where JSON or repr had to escape them."""
    known = {
        form
        for s in secrets
        if len(s) >= _SHORTEST
        for form in (s, json.dumps(s)[1:-1], repr(s)[1:-1])
    }
    if not known:
        return lambda text: text
    longest_first = sorted(known, key=len, reverse=True)
    pattern = re.compile("|".join(re.escape(each) for each in longest_first))
    return lambda text: pattern.sub(shown, text)


class Net:
    """What is searched for in every line; a rotated secret is added to those before."""

    def __init__(self) -> None:
        """Begin with none."""
        self._known: frozenset[str] = frozenset()
        self.conceal: Callable[[str], str] = concealed(())

    def hold(self, secrets: Iterable[str], *, afresh: bool = False) -> None:
        """Search for these as well; `afresh`: for these alone."""
        known = frozenset(secrets) | (frozenset() if afresh else self._known)
        if known != self._known or afresh:
            self._known, self.conceal = known, concealed(known)


def _found(section: BaseModel) -> Iterator[str]:
    """Yield every secret of a section: out of values, their files, and URLs."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from _found(value)
        elif isinstance(value, SecretStr):
            yield from _parts(value.get_secret_value())
        elif isinstance(value, Path) and _secret_file(section, name):
            try:
                yield from _parts(value.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError):
                continue  # whoever needs it says so
        elif isinstance(value, Path) and name == "database_file":
            with suppress(OSError, UnicodeDecodeError):
                yield from _passwords(value.read_text(encoding="utf-8"))
        elif isinstance(value, str):
            yield from _passwords(value)


def _passwords(text: str) -> Iterator[str]:
    """Yield the passwords of URLs."""
    for found in _PASSWORD.finditer(text):
        password = found[1] or found[2]
        yield from (password, unquote(password))


def _secret_file(section: BaseModel, name: str) -> bool:
    field = type(section).model_fields.get(name.removesuffix("_file"))
    return name.endswith("_file") and field is not None and "SecretStr" in str(field.annotation)


def _parts(text: str) -> Iterator[str]:
    """Yield what is secret: lines and their long words, or the tokens of a file of callers."""
    if _CALLERS.search(text):
        yield from _TOKEN.findall(text)
        return
    for line in text.strip().splitlines():
        yield line.strip()
        yield from _WORD.findall(line)
