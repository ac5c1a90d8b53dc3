"""The page about the lab says what the lab does."""

import re
from pathlib import Path

from remedyd.lab import profiles
from remedyd.lab.faults import KINDS
from remedyd.lab.scenario import DEMO

PAGE = (Path(__file__).parents[2] / "docs" / "lab.md").read_text(encoding="utf-8")


def rows() -> dict[str, tuple[str, str]]:
    """Return what the page's table of faults says: target, and names of parameters."""
    found = re.findall(r"^\| `([a-z-]+)` \| (\w+) \| .* \| (.*)\|$", PAGE, re.MULTILINE)
    return {name: (about, parameters) for name, about, parameters in found}


def test_every_fault_is_listed_with_its_parameters() -> None:
    """The table has each fault, what it is on, and every parameter."""
    listed = {
        name: (about, set(re.findall(r"`([a-z]+)`", parameters)) - {"none"})
        for name, (about, parameters) in rows().items()
    }
    kinds = {
        name: (kind.about.replace("collector", "receiver"), set(kind.parameters))
        for name, kind in KINDS.items()
    }
    assert listed == kinds


def test_every_annotation_is_listed() -> None:
    """The page names the annotations that the code documents."""
    assert profiles.__doc__ is not None
    names = re.findall(r"^    ([a-z-]+) {2,}", profiles.__doc__, re.MULTILINE)
    assert names
    assert all(f"`lab.remedyd.io/{name}`" in PAGE for name in names)


def test_the_cluster_is_described_as_it_is() -> None:
    """Numbers of nodes and Deployments on the page are the scenario's."""
    deployments = [spec for spec in DEMO.workloads if spec.kind == "Deployment"]
    assert (len(DEMO.nodes), len(deployments)) == (3, 11)
    assert "three nodes" in PAGE
    assert "eleven Deployments" in PAGE


def test_the_python_examples_run() -> None:
    """The examples on the page work as printed."""
    found = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(found) == 2
    for code in found:
        exec(compile(code, "docs/lab.md", "exec"), {})
