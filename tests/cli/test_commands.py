"""The command line does for people and scripts what REST does, and says how it went."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.line import Line
from support.running import TOKENS, Running
from support.ways import an_app, proposed


@pytest.fixture
def remedyd(running: Running, tmp_path: Path) -> Line:
    """The command line, pointed at the daemon."""
    return Line(running.url, tmp_path)


def _process(environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the program itself."""
    return subprocess.run(
        [sys.executable, "-m", "remedyd", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _state(running: Running, proposal: str) -> str:
    found: str = running.client("viewer").get(f"/v1/proposals/{proposal}").json()["state"]
    return found


def test_from_request_to_proof(remedyd: Line, running: Running) -> None:
    """Propose, read, approve with the digest, wait for the proof, and take it back."""
    name = an_app()
    asked = remedyd(
        *("propose", "scale", f"deployment/{name}", "-n", "shop", "--replicas", "2"),
        *("-o", "json"),
        role="proposer",
    )
    assert asked.returncode == 0, asked.stderr
    made = json.loads(asked.stdout)
    shown = remedyd("proposals", "show", made["id"])
    assert made["digest"] in shown.stdout
    approved = remedyd(
        *("proposals", "approve", made["id"], "--digest", made["digest"], "--wait"),
        role="approver",
    )
    assert approved.returncode == 0, approved.stdout + approved.stderr
    assert "Effective" in approved.stdout
    undone = remedyd("proposals", "rollback", made["id"], "-m", "enough", "--wait", role="approver")
    assert undone.returncode == 0, undone.stdout + undone.stderr
    history = remedyd("proposals", "events", made["id"])
    assert "rollback" in history.stdout
    assert "enough" in history.stdout


@pytest.mark.parametrize(
    ("words", "action"),
    [
        (["scale", "--replicas", "3"], "Scale"),
        (["restart"], "Restart"),
        (["update-resources", "--memory", "512Mi"], "UpdateResources"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_each_action_can_be_asked_for(remedyd: Line, words: list[str], action: str) -> None:
    """The summary is printed, and how to approve it."""
    command = ["propose", words[0], f"deploy/{an_app()}", "-n", "shop", *words[1:]]
    done = remedyd(*command, role="proposer")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{action} on Deployment/shop/")
    assert "remedyd proposals approve" in done.stdout


def test_a_person_is_shown_what_is_approved(remedyd: Line, running: Running) -> None:
    """Without a digest the summary is shown first; anything but yes leaves it waiting."""
    made = proposed(running)
    declined = remedyd("proposals", "approve", made["id"], role="approver", answer="n\n")
    assert declined.returncode == 1
    assert made["digest"] in declined.stdout
    assert _state(running, made["id"]) == "Proposed"
    assert remedyd("proposals", "approve", made["id"], role="approver", answer="").returncode == 1
    agreed = remedyd("proposals", "approve", made["id"], role="approver", answer="y\n")
    assert agreed.returncode == 0
    assert _state(running, made["id"]) != "Proposed"


@pytest.mark.parametrize("output", ["table", "json", "yaml"])
def test_lists_for_people_and_scripts(remedyd: Line, running: Running, output: str) -> None:
    """The same proposals as a table, as JSON and as YAML, without a colour code."""
    made = proposed(running)
    done = remedyd("proposals", "list", "--state", "Proposed", "-n", "shop", "-o", output)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    if output == "table":
        assert made["id"] in done.stdout
    else:
        loaded: list[dict[str, Any]] = yaml.safe_load(done.stdout)
        assert made["id"] in [item["id"] for item in loaded]


def test_watching_goes_on_with_what_moves(remedyd: Line, running: Running) -> None:
    """With `--watch` and json each line is a proposal: those there are, then what moves."""
    viewer = running.client("viewer")
    proposed(running)
    environment = remedyd.environment("viewer") | {"PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "remedyd", "proposals", "list", "--watch", "-o", "json"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as watch:
        try:
            assert watch.stdout is not None
            before = {item["id"] for item in viewer.get("/v1/proposals").json()["items"]}
            listed = [json.loads(watch.stdout.readline())["id"] for _ in before]
            end, made, seen = time.monotonic() + 20, set[str](), set[str]()
            while not made & seen and time.monotonic() < end:
                made.add(proposed(running)["id"])
                seen.add(json.loads(watch.stdout.readline())["id"])
        finally:
            watch.terminate()
    assert set(listed) == before
    assert made & seen


def test_status_tells_how_the_daemon_stands(remedyd: Line, running: Running) -> None:
    """Readiness, the pause, what waits, and the policies."""
    done = remedyd("status", "-o", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["status"] == "ready"
    assert found["policies"]
    text = remedyd("status")
    assert "open proposals wait for an approver" in text.stdout


def test_status_of_a_workload_has_its_history(remedyd: Line, running: Running) -> None:
    """How it stands now, and what was proposed about it."""
    made = proposed(running)
    name = made["target"]["name"]
    done = remedyd("status", f"deployment/{name}", "-n", "shop")
    assert "pods ready" in done.stdout
    assert made["id"] in done.stdout


@pytest.mark.parametrize(
    ("words", "role", "status", "told"),
    [
        (["proposals", "show", "none"], "viewer", 1, "no proposal none"),
        (["proposals", "list", "--state", "Odd"], "viewer", 2, "state"),
        (["proposals", "list", "-o", "xml"], "viewer", 2, "table or json"),
        (["propose", "scale", "frontend", "--replicas", "2"], "proposer", 2, "deployment/NAME"),
        (["propose", "scale", "deployment/x"], "proposer", 2, "--replicas"),
        (["propose", "update-resources", "deployment/x"], "proposer", 2, "--memory"),
        (["propose", "restart", "deployment/app-00", "-n", "shop"], "viewer", 1, "lacks the scope"),
        (["proposals", "list"], "wrong", 1, "not known"),
        (["proposals", "list"], "", 2, "no token"),
        (["no-such-command"], "viewer", 2, "no-such-command"),
        (["--context", "nowhere", "proposals", "list"], "viewer", 2, "nowhere"),
        (["--url", "http://127.0.0.1:9", "status"], "viewer", 1, "is the daemon running there?"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else str(value),
)
def test_mistakes_are_explained(
    remedyd: Line, words: list[str], role: str, status: int, told: str
) -> None:
    """Exit 2 for a wrong command line, 1 for what was refused; what to do, and no traceback."""
    done = remedyd(*words, role=role)
    assert done.returncode == status, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not role or TOKENS[role] not in done.stderr + done.stdout


def test_the_program_ends_as_its_commands_do(remedyd: Line) -> None:
    """What the tests here call in this process, a shell sees from the program."""
    words = ["proposals", "show", "none"]
    inside = remedyd(*words)
    done = _process(remedyd.environment("viewer"), *words)
    assert (done.returncode, done.stdout, done.stderr) == (
        inside.returncode,
        inside.stdout,
        inside.stderr,
    )


class TestContexts:
    """A contexts file names daemons, tokens and certificates."""

    @pytest.fixture
    def file(self, running: Running, tmp_path: Path) -> Iterator[Path]:
        """A file with the daemon as `lab`, and another that answers nowhere."""
        token = tmp_path / "token"
        token.write_text(TOKENS["viewer"] + "\n", encoding="utf-8")
        path = tmp_path / "contexts.yaml"
        contexts = {
            "lab": {"url": running.url, "token_file": str(token)},
            "gone": {"url": "http://127.0.0.1:9", "token_file": str(token)},
        }
        path.write_text(yaml.safe_dump({"current": "lab", "contexts": contexts}), encoding="utf-8")
        yield path

    def test_the_current_one_is_used(self, remedyd: Line, file: Path) -> None:
        """Address and token come from the file when nothing else is said."""
        done = remedyd("status", role="", REMEDYD_URL="", REMEDYD_CONTEXTS=str(file))
        assert done.returncode == 0, done.stderr

    def test_a_flag_picks_another(self, remedyd: Line, file: Path) -> None:
        """`--context` outweighs the current one."""
        told = {"REMEDYD_URL": "", "REMEDYD_CONTEXTS": str(file)}
        done = remedyd("--context", "gone", "status", role="", **told)
        assert "127.0.0.1:9" in done.stderr

    def test_a_token_goes_only_where_it_belongs(self, remedyd: Line, file: Path) -> None:
        """An address from elsewhere does not get the token of a context."""
        done = remedyd("--url", "http://127.0.0.1:9", "status", role="", REMEDYD_CONTEXTS=str(file))
        assert (done.returncode, "no token for http://127.0.0.1:9" in done.stderr) == (2, True)

    def test_they_are_listed(self, remedyd: Line, file: Path) -> None:
        """The current one has a star; no token is read or shown."""
        done = remedyd("contexts", REMEDYD_CONTEXTS=str(file))
        assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == ["gone", "*"]
        assert TOKENS["viewer"] not in done.stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [("remedyd prop", "propose"), ("remedyd propose ", "update-resources")],
)
def test_a_shell_completes_commands(remedyd: Line, words: str, offered: str) -> None:
    """bash is offered commands and, behind a group, the group's own."""
    count = len(words.split()) - (0 if words.endswith(" ") else 1)
    asked = {"_REMEDYD_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(count)}
    done = _process(remedyd.environment("") | asked)
    assert offered in done.stdout.split()


def test_help_is_quick_and_light(remedyd: Line) -> None:
    """`--help` imports neither the HTTP client nor the daemon."""
    code = (
        "import sys; sys.argv = ['remedyd', '--help']\n"
        "from remedyd.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = ('httpx2', 'fastapi', 'kubernetes', 'mcp', 'pydantic')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=remedyd.environment(""),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"
