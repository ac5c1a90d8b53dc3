"""The script that `remedyd --show-completion` prints completes in a real bash."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
eval "$(remedyd --show-completion)"
complete -p remedyd
offer() { COMP_CWORD=$1; shift; COMP_WORDS=("$@"); _remedyd_completion remedyd; \
echo "offered:" ${COMPREPLY[@]}; }
offer 1 remedyd prop
offer 2 remedyd propose ""
offer 4 remedyd --url http://127.0.0.1:9 proposals ap
offer 3 remedyd proposals approve --d
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes(tmp_path: Path) -> None:
    """Commands, a group's own, behind flags too, and options; no daemon is asked."""
    program = tmp_path / "remedyd"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m remedyd "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    script = tmp_path / "try.sh"
    script.write_text(PROGRAM, encoding="utf-8")
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "",
    }
    done = subprocess.run(
        ["bash", "--norc", str(script)], env=environment, capture_output=True, text=True, check=True
    )
    registered, *offers = done.stdout.splitlines()
    assert registered.endswith("_remedyd_completion remedyd")
    commands, own, behind, options = (line.removeprefix("offered: ").split() for line in offers)
    assert set(commands) == {"proposals", "propose"}
    assert {"scale", "restart", "update-resources"} <= set(own)
    assert behind == ["approve"]
    assert "--digest" in options
