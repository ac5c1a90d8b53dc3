"""How well the tests hold the rules: faults are put into each module, and a test has to notice.

Prints for each module how many faults there were and the percentage that a test noticed; what
nobody noticed goes to the standard error as each module is done, and into the table with `-v`.
Ends with 1 when a module is below `--least`. No file is changed on the way.

Run: `./dev mutate [-v] [--least PERCENT] [WORD...]`: the modules whose name has one of the words.
"""

import argparse
import os
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from measure import Module, NotGreen, measure

ROOT = Path(__file__).parents[2]
GROUPS = Path(__file__).with_name("modules.toml")


def main() -> int:
    """Measure what is asked for and print a table."""
    parser = argparse.ArgumentParser(prog="./dev mutate", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--least", type=float, default=85, metavar="PERCENT")
    parser.add_argument("-v", "--verbose", action="store_true", help="list what nobody noticed")
    asked = parser.parse_args()
    os.chdir(ROOT)
    results = []
    print(f"{'module':<44}{'faults':>8}{'noticed':>9}{'score':>8}")
    for result in _measured(asked.words):
        results.append(result)
        _show(result, verbose=asked.verbose)
    total = Module("all", sum(r.total for r in results), [s for r in results for s in r.survivors])
    _show(total, verbose=False)
    return any(result.score < asked.least for result in results)


def _measured(words: list[str]) -> Iterator[Module]:
    for group in tomllib.loads(GROUPS.read_text())["group"]:
        files = {name: _file(name) for name in group["modules"] if _wanted(name, words)}
        if files:
            try:
                yield from measure(files, group["tests"])
            except NotGreen as failure:
                sys.exit(f"a test fails without any fault, so nothing can be measured:\n{failure}")


def _wanted(name: str, words: list[str]) -> bool:
    return not words or any(word in name for word in words)


def _file(name: str) -> Path:
    path = ROOT / "daemon" / Path(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _show(result: Module, *, verbose: bool) -> None:
    noticed = result.total - len(result.survivors)
    print(f"{result.name:<44}{result.total:>8}{noticed:>9}{result.score:>7.0f}%", flush=True)
    for survivor in result.survivors if verbose else ():
        print(f"    {survivor}")


if __name__ == "__main__":
    sys.exit(main())
