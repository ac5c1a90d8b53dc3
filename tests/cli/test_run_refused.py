"""A daemon that cannot start says so in its log: one record for machines, plain text for people."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

SECRET = "hunter2-hunter2-hunter2"
SECRETS = {
    "REMEDYD_DATABASE": f"postgresql://remedyd:{SECRET}@db/remedyd",
    "REMEDYD_ELASTICSEARCH__API_KEY": SECRET,
    "REMEDYD_ELASTICSEARCH__URL": f"http://elastic:{SECRET}@elasticsearch:9200",
    "REMEDYD_SERVER__OIDC__CLIENT_SECRET": SECRET,
    "REMEDYD_SERVER__OIDC__ISSUER": f"http://me:{SECRET}@issuer",
    "REMEDYD_SERVER__SESSION_KEY": SECRET,
    "REMEDYD_SERVER__TOKENS": f"tokens: [{{token: {SECRET}}}]",
    "REMEDYD_TRACES__HEADERS": f"Authorization=Bearer {SECRET}",
}
BROKEN = {"REMEDYD_SERVER": f'{{"session_key": "{SECRET}', **SECRETS}


def started(file: Path, text: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a daemon that has to refuse its settings."""
    file.write_text(text, encoding="utf-8")
    own = {name: value for name, value in os.environ.items() if not name.startswith("REMEDYD_")}
    return subprocess.run(
        [sys.executable, "-c", "from remedyd.cli.main import main; main()", "run", "-c", str(file)],
        capture_output=True, text=True, check=False, timeout=60, env={**own, **environment},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "environment", "told"),
    [
        ("dry_run: maybe\n", SECRETS, ["dry_run: ", "server.oidc: "]),
        ("{}\n", BROKEN, ['"server"']),
        (f"server: {{session_key: [{SECRET}]}}\nfoo: {SECRET}\n", {}, ["session_key: ", "foo: "]),
        (f"server: {{session_key: {SECRET}\n", {}, ["not YAML"]),
        (f"server: {{session_key: {SECRET}}}\n", {}, ["no bearer token"]),
    ],
    ids=["wrong values", "no JSON", "a wrong kind", "no YAML", "refused by a part"],
)
def test_a_wrong_setting_is_one_record_of_the_log(
    text: str, environment: dict[str, str], told: list[str], tmp_path: Path
) -> None:
    """As ECS JSON with all that is wrong, beside the text for a terminal, and no secret in either.

    The status is that of invalid input.
    """
    ended = started(tmp_path / "s.yaml", text, **environment)
    assert ended.returncode == 2
    [line] = ended.stdout.splitlines()
    record = json.loads(line)
    assert record["log.level"] == "error"
    assert "error.stack_trace" not in record
    for words in told:
        assert words in record["message"]
        assert words in ended.stderr
    assert SECRET not in ended.stdout + ended.stderr


@pytest.mark.parametrize("more", ["foo: 1\n", ""], ids=["settings", "a part"])
def test_a_log_for_people_does_not_say_it_twice(more: str, tmp_path: Path) -> None:
    """Where the file asks for such a log, the text for the terminal is all there is."""
    ended = started(tmp_path / "s.yaml", f"log_format: console\n{more}")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr


def test_a_port_that_is_taken_stops_the_start_before_anything_has_begun(tmp_path: Path) -> None:
    """No audit is run by a daemon whose callers would not reach it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        text = f"server: {{host: 127.0.0.1, port: {other.getsockname()[1]}}}\n"
        ended = started(tmp_path / "s.yaml", text)
    assert ended.returncode == 2
    [line] = ended.stdout.splitlines()
    assert "Address already in use" in json.loads(line)["message"]
    assert "REMEDYD_SERVER__PORT" in json.loads(line)["remedyd.hint"]
