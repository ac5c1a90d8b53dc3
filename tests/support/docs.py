"""The documentation, read as a test needs it: pages, tables, blocks of code."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def page(name: str) -> str:
    """Return the text of a page of docs/."""
    return (DOCS / name).read_text(encoding="utf-8")


def pages() -> list[Path]:
    """Return every page that a reader meets."""
    own = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    return [*own, *sorted(DOCS.glob("*.md")), *sorted(ROOT.glob("charts/*/README.md"))]


def section(text: str, heading: str) -> str:
    """Return what stands under a heading, up to the next one of its rank or above."""
    rank = len(heading) - len(heading.lstrip("#"))
    _, found, rest = f"\n{text}".partition(f"\n{heading}\n")
    assert found, f"there is no {heading!r}"
    return re.split(rf"^#{{1,{rank}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """Return the cells of every row of the tables in a text, without their headers."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    found = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    rules = [i for i, cells in enumerate(found) if set("".join(cells)) <= set("-: ")]
    return [cells for i, cells in enumerate(found) if i not in rules and i + 1 not in rules]


def codes(cell: str) -> list[str]:
    """Return what a cell shows as code."""
    return re.findall(r"`([^`]+)`", cell)


def blocks(text: str, language: str) -> Iterator[str]:
    """Yield the fenced blocks of a language."""
    yield from re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def indented(text: str) -> Iterator[str]:
    """Yield the indented blocks of code, without their indentation."""
    for found in re.findall(r"(?:^\n)((?:^ {4}.*\n|^\n)+)", f"{text}\n", re.MULTILINE):
        block = re.sub(r"^ {4}", "", found, flags=re.MULTILINE).strip("\n")
        if block:
            yield block + "\n"
