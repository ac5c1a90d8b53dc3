"""A ConfigMap is exchanged under a running daemon as a kubelet does it, at any moment."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from remedyd.library import Library
from remedyd.model import ManualClock, Mode
from remedyd.observability.metrics import Metrics
from remedyd.paths import shipped
from support.configmap import Mounted

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
GAP, CRASH, MEMORY = "replica-gap", "restarts-escalate", "oom-raise-memory"


def policies(mode: str, *names: str) -> dict[str, str]:
    """Return the files of shipped policies, all in one mode."""
    found = {}
    for name in names:
        text = (shipped("policies") / f"{name}.yaml").read_text(encoding="utf-8")
        found[f"{name}.yaml"] = text.replace("mode: Propose", f"mode: {mode}")
    return found


@pytest.fixture
def mounted(tmp_path: Path) -> Mounted:
    """Mount a ConfigMap with two policies."""
    return Mounted(tmp_path / "policies", policies("Propose", GAP, CRASH))


@pytest.fixture
def library(mounted: Mounted) -> Library:
    """Return a library over it, and the shipped audits."""
    return Library([shipped("esql")], [mounted.folder], ManualClock(NOW), Metrics())


def modes(library: Library) -> dict[str, Mode]:
    return {name: policy.mode for name, policy in library.policies().items()}


def test_what_comes_goes_and_changes_is_followed(mounted: Mounted, library: Library) -> None:
    """One policy stays, changed; one goes; one comes: in one exchange."""
    mounted.publish(policies("DryRun", GAP, MEMORY))
    assert library.check()
    assert modes(library) == {GAP: Mode.DRY_RUN, MEMORY: Mode.DRY_RUN}
    assert not library.check()


@pytest.mark.parametrize("moment", ["written", "turned", "named", "cleared"])
def test_looking_in_the_middle_does_no_harm(
    mounted: Mounted, library: Library, moment: str
) -> None:
    """Whatever step the kubelet is at, a set is whole, and afterwards the new one counts."""
    seen: list[set[Mode]] = []

    def look(step: str) -> None:
        if step == moment:
            library.check()
            seen.append(set(modes(library).values()))

    mounted.publish(policies("DryRun", GAP, MEMORY), between=look)
    assert seen[0] in ({Mode.PROPOSE}, {Mode.DRY_RUN})
    library.check()
    assert modes(library) == {GAP: Mode.DRY_RUN, MEMORY: Mode.DRY_RUN}
    assert library.notices() == ()


def test_half_a_set_is_never_in_force(mounted: Mounted) -> None:
    """The link turns while the files are read: they are read again."""

    class Turning(Sequence[Path]):
        """Policy files that are exchanged once, after the first of them has been read."""

        turned = False

        def __len__(self) -> int:
            return 2

        def __getitem__(self, number: object) -> Path:  # type: ignore[override]
            if number == 1 and armed and not self.turned:
                self.turned = True
                mounted.publish(policies("DryRun", GAP, CRASH))
            return mounted.folder / f"{(GAP, CRASH)[number]}.yaml"  # type: ignore[index]

    armed: list[bool] = []
    library = Library([shipped("esql")], Turning(), ManualClock(NOW), Metrics())
    mounted.publish(policies("Auto", GAP, CRASH))
    armed.append(True)
    assert library.check()
    assert set(modes(library).values()) == {Mode.DRY_RUN}


def test_exchanges_without_end_never_mix(mounted: Mounted, library: Library) -> None:
    """While a kubelet turns the link again and again, each set in force is of one piece."""
    ended = threading.Event()

    def turn() -> None:
        for number in range(30):
            mounted.publish(policies(("DryRun", "Propose")[number % 2], GAP, CRASH, MEMORY))
        ended.set()

    thread = threading.Thread(target=turn)
    thread.start()
    while not ended.is_set():
        library.check()
        assert len(set(modes(library).values())) == 1
    thread.join()
    library.check()
    assert set(modes(library).values()) == {Mode.PROPOSE}
    assert library.notices() == ()
