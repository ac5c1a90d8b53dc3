"""The calls that `docs/api.md` shows are made with curl, as they stand."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.docs import indented, page
from support.running import TOKENS, Running
from support.ways import an_app

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
CALLS = [block for block in indented(page("api.md")) if "curl" in block]


@pytest.fixture
def shell(running: Running, tmp_path: Path) -> Any:
    """Run a block of the page as an approver who has a token file, and return what it prints."""
    (tmp_path / "token").write_text(TOKENS["approver"])
    address = str(running.client("approver").base_url).rstrip("/")

    def run(script: str, **variables: str) -> str:
        given = {"PATH": "/usr/bin:/bin", "REMEDYD_URL": address, **variables}
        ran = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path, env=given, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        return ran.stdout

    return run


def test_a_change_is_asked_for_approved_and_followed(shell: Any) -> None:
    """Each block does what the page says, one after the other."""
    ask, approve, follow = CALLS
    asked = ask.replace('"checkout"', f'"{an_app()}"').replace('"absolute": 4', '"absolute": 2')
    made = json.loads(shell(asked))
    assert made["state"] == "Proposed", made
    filled = approve.replace("id=...; digest=...", f"id={made['id']}; digest={made['digest']}")
    assert json.loads(shell(filled))["state"] == "Approved"
    stream = shell(follow.replace("curl -sN", "curl -sN --max-time 3").replace("42'", "0'"))
    assert re.search(rf'"proposal": ?"{made["id"]}"', stream)
