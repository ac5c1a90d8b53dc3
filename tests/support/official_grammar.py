"""Elasticsearch's own ES|QL grammars, as a second opinion.

They come with the PyPI package `detection-rules-esql-py` (import name `esql`), a development
tool that the project neither ships nor copies from. It declares Python 3.12; on 3.11 it works
when installed with `pip install --ignore-requires-python` (or
`uv pip install --python-version 3.12`).
"""

from __future__ import annotations

from importlib.util import find_spec

VERSIONS = ("9.4", "9.5", "latest")
NOTICE = "detection-rules-esql-py is not installed: no second opinion on the ES|QL grammar"


def installed() -> bool:
    """Whether the package is here."""
    return find_spec("esql") is not None and find_spec("antlr4") is not None


def rejection(text: str, version: str) -> str:
    """Why a version's grammar rejects the text; empty if it accepts it."""
    from esql import ParserConfig
    from esql.parser import _parse_with_grammar

    with ParserConfig(min_stack_version=version):
        try:
            _parse_with_grammar(text)
        except Exception as error:  # the generated lexer raises plain Exception on `)` alone
            return str(error) or type(error).__name__
    return ""


def rejections(text: str) -> dict[str, str]:
    """The versions that reject the text, each with its reason."""
    found = {version: rejection(text, version) for version in VERSIONS}
    return {version: reason for version, reason in found.items() if reason}
