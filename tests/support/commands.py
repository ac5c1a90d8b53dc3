"""The command line as its own parser knows it: every command, and what a line of it would do."""

import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import typer

from remedyd.cli.main import _WITH_VALUE, COMMANDS, GROUPS, build
from support.docs import DOCS

_BREAKS = {"|", ";", "&&", ">", "2>", "||"}


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command with its parser, `remedyd` itself first."""
    yield "remedyd", typer.main.get_command(build())
    for name in (*GROUPS, *COMMANDS):
        found: Any = typer.main.get_command(build(name))
        yield from _below(f"remedyd {name}", found.commands[name])


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield name, command
    for inner, sub in getattr(command, "commands", {}).items():
        yield from _below(f"{name} {inner}", sub)


def lines(block: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of each call of `remedyd` in a block of code, one for each `a|b` in it.

    Where there is an `a|b` the arguments are left to the reader: NAME stands for them.
    """
    for line in block.replace("\\\n", " ").splitlines():
        if not re.search(r"(^(\$ )?|(-- |; |&& ))remedyd ", line):
            continue
        words = shlex.split(line.removeprefix("$ "), comments=True)
        for at, word in enumerate(words):
            before = words[at - 1] if at else ";"
            if word != "remedyd" or not (before in _BREAKS or before == "--" or before[-1] == ";"):
                continue
            rest = list[list[str]]()
            for one in words[at + 1 :]:
                if one in _BREAKS:
                    break
                if not one.startswith("["):
                    rest.append(
                        one.rstrip(";").split("|") if re.fullmatch(r"[a-z|;]+", one) else [one]
                    )
                if one.endswith(";"):
                    break
            named = [["NAME"]] if any(len(one) > 1 for one in rest) else []
            yield from product(*rest, *named)


def parsed(words: Sequence[str]) -> Any:
    """Return the context of a command line that is not run; raise what its parser raises."""
    name = next((w for i, w in enumerate(words) if w[0] != "-" and words[i - 1] not in _WITH_VALUE))
    root: Any = typer.main.get_command(build(name))
    command, rest, path = root.commands[name], words[words.index(name) + 1 :], name
    while getattr(command, "commands", None) and rest and rest[0] in command.commands:
        path, command, rest = rest[0], command.commands[rest[0]], rest[1:]
    takes = any(one.param_type_name == "argument" for one in command.params)
    return command.make_context(path, [one for one in rest if takes or one != "NAME"])


def reference() -> str:
    """Return docs/cli-reference.md as it must be."""
    told = [line for name, command in commands() for line in _section(name, command)]
    head = [
        "# Every command",
        "",
        "What `--help` says, on one page; [cli.md](cli.md) tells what the commands are for.",
    ]
    return "\n".join([*head, *told]) + "\n"


def _section(name: str, command: Any) -> Iterator[str]:
    inner = getattr(command, "commands", {})
    if inner and not [one for one in command.params if one.name != "help"]:
        return
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    shown = " ".join(_argument(one) for one in arguments)
    yield from ("", f"## `{name}{f' {shown}' if shown else ''}`", "")
    yield " ".join((command.help or "").split())
    found = [one for one in command.params if one.name not in ("help", "install_completion")]
    if found:
        yield from ("", "| argument, option | default | meaning |", "| --- | --- | --- |")
    for one in found:
        names = _argument(one) if one in arguments else "`, `".join(one.opts)
        yield f"| `{names}` | {_default(one)} | {' '.join((one.help or '').split())} |"


def _argument(one: Any) -> str:
    name = f"{one.name.upper()}{'...' if one.nargs == -1 else ''}"
    return name if one.required else f"[{name}]"


def _default(one: Any) -> str:
    if one.required:
        return "required"
    if one.default in (None, "", False, ()) or callable(one.default):
        return ""
    return f"`{getattr(one.default, 'value', one.default)}`"


if __name__ == "__main__":
    (DOCS / "cli-reference.md").write_text(reference(), encoding="utf-8")
