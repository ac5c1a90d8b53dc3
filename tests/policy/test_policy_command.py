"""`remedyd policy` in a terminal and in CI."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from remedyd.cli.policy import app
from remedyd.errors import NotFound

GALLERY = Path(__file__).parents[1] / "gallery" / "policies"
BAD = GALLERY / "01-misspelt-key.yaml"
RUNNER = CliRunner()


def test_shipped_policies_are_valid() -> None:
    """Without arguments the shipped policies are checked."""
    ran = RUNNER.invoke(app, ["validate"])
    assert ran.exit_code == 0
    assert ran.stdout == (
        "5 policies are valid: latency-scale-out, oom-raise-memory, replica-gap, "
        "restarts-escalate, stuck-rollout\n"
    )


def test_invalid_policy_exits_2() -> None:
    """A mistake is printed as path:line:col: message and the command exits 2."""
    ran = RUNNER.invoke(app, ["validate", str(BAD)])
    assert ran.exit_code == 2
    assert ran.stdout == f'{BAD}:17:3: unknown key "cooldwn" (did you mean "cooldown"?)\n'


def test_github_annotations() -> None:
    """In a GitHub workflow mistakes become annotations of the changed lines."""
    ran = RUNNER.invoke(app, ["validate", "-o", "github", str(BAD)])
    assert ran.exit_code == 2
    assert ran.stdout == (
        f'::error file={BAD},line=17,col=3::unknown key "cooldwn" (did you mean "cooldown"?)\n'
    )


@pytest.mark.parametrize(("path", "valid", "status"), [(BAD, False, 2), (None, True, 0)])
def test_json_output(path: Path | None, valid: bool, status: int) -> None:
    """For programs the verdict and the problems come as one JSON object."""
    ran = RUNNER.invoke(app, ["validate", "-o", "json", *([str(path)] if path else [])])
    told = json.loads(ran.stdout)
    assert (ran.exit_code, told["valid"], bool(told["problems"])) == (status, valid, not valid)


def test_explain_one() -> None:
    """A policy is explained in words, with its conditions, steps and limits."""
    ran = RUNNER.invoke(app, ["explain", "--name", "oom-raise-memory"])
    assert ran.exit_code == 0
    for words in (
        "oom-raise-memory (Propose: proposes; a person or workflow approves)",
        "for critical rows of the audit container-memory",
        "when killed-again: oom_kills > oom_pods",
        "once it held in 2 runs of the audit in a row",
        "at most 2 times a day",
        "if that fails, the change is undone",
        "not again for the workload for 30m",
    ):
        assert words in ran.stdout


def test_explain_unknown() -> None:
    """A name that does not exist is an error that names the nearest one."""
    ran = RUNNER.invoke(app, ["explain", "--name", "oom-raise"])
    assert isinstance(ran.exception, NotFound)
    assert "oom-raise-memory" in ran.exception.message
