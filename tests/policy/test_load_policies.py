"""Policy files become policies, or all their mistakes."""

from pathlib import Path

import pytest

from remedyd.errors import InvalidInput, NotFound
from remedyd.policy.loader import load_policies, parse_policies
from support.policies import ACTIONS, AUDITS, policies, policy_text


def _problems(text: str) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        parse_policies(text, "p.yaml", audits=AUDITS, actions=ACTIONS)
    return [str(problem) for problem in caught.value.problems]


def test_every_mistake_at_once() -> None:
    """Shape, audit, expressions, names and durations are reported together, in file order."""
    text = policy_text(
        audit="{name: container-memory, severities: [fatal]}",
        matchConditions='[{name: a, expression: "oom_kils > 1"}, {name: b, expresion: stable}]',
        cooldown="1 hour",
        extra="1",
    )
    assert [problem.partition(": ")[0] for problem in _problems(text)] == [
        "p.yaml:5:48",
        "p.yaml:7:13",
        "p.yaml:9:44",
        "p.yaml:9:60",
        "p.yaml:9:70",
        "p.yaml:10:3",
    ]


def test_policies_of_several_files_and_documents(tmp_path: Path) -> None:
    """Directories are read without their subdirectories, files may hold several documents."""
    (tmp_path / "a.yaml").write_text(policy_text("b") + "---\n" + policy_text("a"))
    (tmp_path / "c.yml").write_text(policy_text("c"))
    (tmp_path / "notes.txt").write_text("not a policy")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "t.yaml").write_text("kind: PolicyTest\n")
    loaded = load_policies(tmp_path, audits=AUDITS, actions=ACTIONS)
    assert list(loaded) == ["a", "b", "c"]
    assert loaded["a"].path == str(tmp_path / "a.yaml")


def test_problems_of_several_files(tmp_path: Path) -> None:
    """One bad file does not hide the mistakes of another."""
    (tmp_path / "a.yaml").write_text(policy_text("a", mode="Never"))
    (tmp_path / "b.yaml").write_text("a: [")
    with pytest.raises(InvalidInput) as caught:
        load_policies([tmp_path, tmp_path / "missing.yaml"], audits=AUDITS, actions=ACTIONS)
    assert [Path(p.path).name for p in caught.value.problems] == [
        "a.yaml",
        "b.yaml",
        "missing.yaml",
    ]


def test_empty_directory(tmp_path: Path) -> None:
    """A directory without policies is a mistake: most likely of the path."""
    with pytest.raises(InvalidInput) as caught:
        load_policies(tmp_path, audits=AUDITS, actions=ACTIONS)
    assert caught.value.problems[0].message == "the directory contains no *.yaml file"


def test_a_name_is_used_once(tmp_path: Path) -> None:
    """Two policies of one name are a mistake that names the first place."""
    (tmp_path / "a.yaml").write_text(policy_text("x"))
    (tmp_path / "b.yaml").write_text(policy_text("x"))
    with pytest.raises(InvalidInput) as caught:
        load_policies(tmp_path, audits=AUDITS, actions=ACTIONS)
    (problem,) = caught.value.problems
    first = tmp_path / "a.yaml"
    assert problem.message == f'the policy "x" is already defined in {first}:3'


def test_hash_follows_the_content() -> None:
    """Comments and order leave the hash alone, any other change does not."""
    plain = policies(policy_text())["p"].hash
    text = policy_text().replace("cooldown: 0s", "cooldown: 0s   # none")
    assert policies(text)["p"].hash == plain
    assert policies(policy_text(cooldown="1s"))["p"].hash != plain


def test_find() -> None:
    """A policy that does not exist is answered with the nearest name."""
    loaded = policies(policy_text("oom-raise-memory"))
    assert loaded.find("oom-raise-memory").name == "oom-raise-memory"
    with pytest.raises(NotFound, match="did you mean"):
        loaded.find("oom-raise")


def test_needed_audits() -> None:
    """Audits of disabled policies need not run."""
    loaded = policies(
        policy_text("a", audit="{name: replica-gap}", mode="Disabled"), policy_text("b")
    )
    assert loaded.audits == {"container-memory"}
    assert [policy.name for policy in loaded.for_audit("replica-gap")] == ["a"]


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ("{A: 1}", 'p.yaml:5:48: the text "A" does not match the pattern ^[a-z][a-z0-9_]*$'),
        ("{a: [1]}", "p.yaml:5:51: must be text, a number, true or false"),
        ("{a: null}", "p.yaml:5:51: must be text, a number, true or false"),
    ],
)
def test_parameters_are_simple(parameters: str, problem: str) -> None:
    """Parameters of conditions are named in lower case and hold one plain value each."""
    text = policy_text(audit=f"{{name: container-memory, parameters: {parameters}}}")
    assert _problems(text) == [problem]


def test_mistakes_of_every_kind_are_told_at_once() -> None:
    """Duplicate keys and YAML 1.1 words hide neither unknown keys nor misspelt columns."""
    text = """\
apiVersion: remedyd.io/v1alpha1
kind: RemediationPolicy
metadata: {name: many}
spec:
  mode: Propose
  mode: Auto
  audit: {name: container-memory, severities: [critical, yes]}
  matchConditions:
    - {name: x, expression: oom_kils > 2}
  steps:
    - name: raise
      action:
        type: UpdateResources
        updateResources: {memory: {factr: 1.5}}
      onFailure: off
  bogus: 1
"""
    told = [problem.split(": ", 1) for problem in _problems(text)]
    assert [place for place, _ in told] == [
        "p.yaml:6:3",
        "p.yaml:7:58",
        "p.yaml:9:29",
        "p.yaml:14:36",
        "p.yaml:15:18",
        "p.yaml:16:3",
    ]
    assert [message.split()[0] for _, message in told] == [
        "duplicate", "yes", "in", "unknown", "off", "unknown"
    ]  # fmt: skip
