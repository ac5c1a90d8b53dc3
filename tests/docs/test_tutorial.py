"""The tutorial's commands are run as they stand, and print what the tutorial says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial-policy-test.md"
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def steps() -> list[tuple[str, str]]:
    """Return each command block with the output that stands after it."""
    blocks = BLOCK.findall(TUTORIAL.read_text(encoding="utf-8"))
    kinds = [kind for kind, _ in blocks]
    assert kinds == ["sh", "text"] * (len(blocks) // 2), "each command is followed by its output"
    return [(blocks[i][1], blocks[i + 1][1]) for i in range(0, len(blocks), 2)]


def timeless(text: str) -> str:
    """Replace what differs from run to run."""
    return re.sub(r"in [0-9.]+ s", "in 0.00 s", text)


def test_every_command_prints_what_the_tutorial_says(tmp_path):
    """A reader who types it sees it."""
    pytest.importorskip("duckdb")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "200"}
    for command, expected in steps():
        ran = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        assert timeless(ran.stdout) == timeless(expected), command
