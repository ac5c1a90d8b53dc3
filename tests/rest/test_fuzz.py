"""The OpenAPI document holds against whatever a generator thinks of.

Runs schemathesis for `FUZZ_SECONDS` against a daemon on the lab: 8 unless told, enough to meet each
operation with its edge cases. Continuous integration takes a minute; ten (`FUZZ_SECONDS=600`) are
for before a release.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from remedyd.lab.world import Lab
from support.running import TOKENS, Running
from support.ways import SCENARIO, proposed, quiet, rarely, scaling

pytest.importorskip("schemathesis")

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "unsupported_method",
    "ignored_auth",
)


@pytest.fixture
def fuzzed(tmp_path: Path) -> Iterator[Running]:
    """A daemon of its own: what is generated may pause it, or approve anything."""
    with (
        Lab(seed=5, speed=20.0, history=timedelta(minutes=1), scenario=SCENARIO) as lab,
        quiet(),
        Running(
            lab,
            tmp_path,
            audits=(rarely(tmp_path),),
            server={"requests_per_minute": 1_000_000},
            failures=1_000_000,  # the check of authentication tries many a wrong token
        ) as started,
    ):
        yield started


@pytest.mark.slow
def test_no_input_breaks_the_contract(fuzzed: Running, tmp_path: Path) -> None:
    """No 5xx, no undocumented status, type, header or shape, nothing without a good token."""
    made = proposed(fuzzed)
    fuzzed.client("approver").post("/v1/proposals", json=scaling("app-31"))
    config = tmp_path / "schemathesis.toml"
    config.write_text(
        f'base-url = "{fuzzed.url}"\n'
        'headers = { Authorization = "Bearer ${FUZZ_TOKEN}" }\n'
        "[parameters]\n"
        f'wait = 0\nseconds = 0.2\nproposal_id = "{made["id"]}"\n'
        'namespace = "shop"\nkind = "Deployment"\n',
        encoding="utf-8",
    )
    seconds = os.environ.get("FUZZ_SECONDS", "8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli"),
            *("--config-file", str(config), "run", f"{fuzzed.url}/openapi.json"),
            *("--max-time", seconds, "--no-color", "--continue-on-failure"),
            *("--checks", ",".join(CHECKS)),
        ],
        env={**os.environ, "FUZZ_TOKEN": TOKENS["admin"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert TOKENS["admin"] not in done.stdout
