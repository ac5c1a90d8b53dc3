"""A guardrails file says only what is to be different, and says it correctly."""

from datetime import timedelta
from pathlib import Path

import pytest

from remedyd.errors import InvalidInput
from remedyd.policy.guardrails import Guardrails, load_guardrails, parse_guardrails
from support.guardrails import guardrails

PAGE = Path(__file__).parents[2] / "docs" / "guardrails.md"


def test_no_file_means_the_documented_defaults() -> None:
    """The defaults are those of the page."""
    usual = Guardrails()
    assert (usual.cooldown.initial, usual.cooldown.longest) == (
        timedelta(hours=1),
        timedelta(hours=16),
    )
    assert (usual.cooldown.factor, usual.quarantine_after, usual.concurrency) == (2, 3, 3)
    assert (usual.rate.per_hour, usual.rate.per_namespace) == (10, 10)
    assert (usual.workloads_percent, usual.storm.workloads_percent) == (20, 30)
    assert usual.undo_while_paused is False
    assert guardrails() == usual


def test_the_example_of_the_page_loads(tmp_path: Path) -> None:
    """The file shown on the page is valid as it stands."""
    path = tmp_path / "guardrails.yaml"
    path.write_text(PAGE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0])
    assert len(load_guardrails(path).windows) == 2


@pytest.mark.parametrize(
    ("spec", "message", "column"),
    [
        ("{concurency: 3}", 'unknown key "concurency" (did you mean "concurrency"?)', 8),
        ("{concurrency: 0}", "greater than or equal to 1", 21),
        ("{cooldown: {initial: 2d, longest: 1d}}", "longest must not be shorter", 18),
        ("{repeat: 30d}", "less than or equal to", 16),
        ("{workloadsPercent: 120}", "less than or equal to 100", 26),
        (
            '{storm: {nodesNotReady: "-1%"}}',
            'from 0% to 100%, with two decimals at most; got "-1',
            31,
        ),
        (
            "{storm: {nodesNotReady: 120%}}",
            'from 0% to 100%, with two decimals at most; got "120%',
            31,
        ),
        ("{storm: {nodesNotReady: 2.5.%}}", 'or a percentage such as 2%; got "2.5.%"', 31),
        ("{storm: {nodesNotReady: -1}}", "from 0 to 1000, or a percentage such as 2%; got -1", 31),
        (
            "{storm: {nodesNotReady: 2.5}}",
            "a whole number, or a percentage such as 2%; got 2.5",
            31,
        ),
        (
            '{storm: {nodesNotReady: "2"}}',
            'a whole number, or a percentage such as 2%; got "2"',
            31,
        ),
        (
            "{storm: {nodesNotReady: true}}",
            "a whole number, or a percentage such as 2%; got true",
            31,
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(spec: str, message: str, column: int) -> None:
    """File, line, column and what to write instead."""
    with pytest.raises(InvalidInput) as caught:
        guardrails(spec)
    (problem,) = caught.value.problems
    assert message in problem.message
    assert (problem.path, problem.line, problem.column) == ("g.yaml", 4, column)


def test_a_window_may_not_be_there_twice() -> None:
    """Two windows of one name would be one too many to talk about."""
    one = '{name: w, kind: Freeze, start: "01:00", end: "02:00"}'
    with pytest.raises(InvalidInput) as caught:
        guardrails(f"{{windows: [{one}, {one}]}}")
    assert 'the window "w" is there twice' in caught.value.problems[0].message


def test_guardrails_are_one_document() -> None:
    """A second document could overrule the first without anyone noticing."""
    text = "apiVersion: remedyd.io/v1alpha1\nkind: Guardrails\nmetadata: {name: g}\n"
    with pytest.raises(InvalidInput) as caught:
        parse_guardrails(f"{text}---\n{text}", "g.yaml")
    assert caught.value.problems[0].line == 5
